import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ContextLengthError } from "../../../src/errors.js";
import type { DecoderConfig } from "../../../src/model/checkpoint/config.js";
import type { GenerateRequest } from "../../../src/model/engine/engine.js";
import { LanguageModel } from "../../../src/model/engine/language-model.js";
import type { Precision } from "../../../src/model/graph/precision.js";
import { randomIds, tinyConfig, writeTinyCheckpoint } from "../tiny-checkpoint.js";

/** Heads of 16: in float16 decoding has the runtime's own attention, as on a GPU. */
const config: DecoderConfig = { ...tinyConfig, hiddenSize: 32, headSize: 16, contextLength: 64 };
const stopIds: number[] = [];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "context-length-"));
  await writeTinyCheckpoint(folder, config);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const request = (prompt: number, maxNewTokens: number): GenerateRequest => ({
  promptIds: randomIds(prompt, prompt),
  maxNewTokens,
  temperature: 0,
  seed: 0,
});

const group = (prompt: number, response: number) => ({
  promptIds: randomIds(prompt, prompt),
  responses: [randomIds(response, 7)],
  weights: [new Array<number>(response).fill(0.01)],
});

describe.each<Precision>(["float32", "float16"])("a context of 64 tokens, in %s", (precision) => {
  let model: LanguageModel;
  beforeAll(async () => {
    model = await LanguageModel.open({ folder, threads: 1, precision });
    model.createAdapter("a", { rank: 2, alpha: 4, seed: 1 });
  });
  afterAll(() => model.close());

  it("is used to its last token", async () => {
    for (const [prompt, response] of [
      [8, 50],
      [56, 8],
      [63, 1],
    ] as const) {
      const [generated] = (await model.generate([request(prompt, response)], { stopIds })).flat();
      expect(generated?.ids).toHaveLength(response);
    }
  });

  it("holds a long prompt and a long response that come together, though both in one batch would not fit", async () => {
    const requests = [request(8, 50), request(56, 6)];
    const apart = await Promise.all(requests.map(async (one) => (await model.generate([one], { stopIds }))[0]));
    expect(await model.generate(requests, { stopIds })).toEqual(apart);
    const groups = [group(8, 50), group(56, 6)];
    const scores = (await model.logprobs(groups)).map(({ logprobs }) => logprobs[0]!.length);
    expect(scores).toEqual([50, 6]);
    const still = { objective: "likelihood", optimizer: { learningRate: 0 } } as const;
    const together = await model.update("a", { ...still, groups });
    const each = [];
    for (const one of groups) each.push((await model.update("a", { ...still, groups: [one] })).loss);
    expect(together.loss).toBeCloseTo(each[0]! + each[1]!, 2);
  });

  it("refuses what does not fit, and an empty prompt, by their numbers of tokens", async () => {
    const wrong = [request(60, 5), request(0, 4)];
    for (const one of wrong) {
      await expect(model.generate([one], { stopIds })).rejects.toThrow(ContextLengthError);
      await expect(model.generate([one, request(8, 4)], { stopIds })).rejects.toThrow(ContextLengthError);
    }
    await expect(model.generate([wrong[0]!], { stopIds })).rejects.toThrow(
      "found 60 of the prompt and 5 of the response",
    );
    await expect(model.logprobs([group(60, 5)])).rejects.toThrow(ContextLengthError);
  });
});
