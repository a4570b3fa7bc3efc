import { describe, expect, it, onTestFinished, vi } from "vitest";
import { readConfig } from "../../../src/model/checkpoint/config.js";
import { openCheckpoint } from "../../../src/model/checkpoint/weights.js";
import { decodeBatch } from "../../../src/model/engine/decoding.js";
import { LanguageModel } from "../../../src/model/engine/language-model.js";
import { feedsOf, newLora } from "../../../src/model/engine/parameter-set.js";
import { Decoder } from "../../../src/model/graph/decoder.js";
import { generateGraph } from "../../../src/model/graph/generate-graph.js";
import { factored, merged } from "../../../src/model/graph/lora.js";
import { loraInputs } from "../../../src/model/graph/lora-inputs.js";
import { biasNames, frozenParameters } from "../../../src/model/graph/parameters.js";
import { emitModel } from "../../../src/onnx/emit.js";
import { Session } from "../../../src/onnx/session.js";
import { Random } from "../../../src/random.js";
import { randomIds, tinyCheckpoint, tinyConfig } from "../tiny-checkpoint.js";

async function prepare(apply: typeof merged, folder: string) {
  const config = await readConfig(folder);
  const checkpoint = await openCheckpoint(folder, config);
  const lora = loraInputs(config, "float32");
  const decoder = new Decoder(config, apply(frozenParameters(checkpoint), lora, biasNames(checkpoint)));
  const session = await Session.create(emitModel(generateGraph(decoder, lora.inputs)), { folder, threads: 1 });
  onTestFinished(() => session.release());
  const set = newLora(config, { rank: 3, alpha: 6, seed: 2 });
  const random = new Random(8);
  for (const { data } of set.tensors.values()) for (let i = 0; i < data.length; i++) data[i]! += random.next() - 0.5;
  return { session, config, parameters: feedsOf(set) };
}

const request = { promptIds: randomIds(6, 1), maxNewTokens: 20, temperature: 0.8, seed: 3, count: 2 };

describe("the generation graph", () => {
  it("gives the same tokens with a merged adapter and a factored one", async () => {
    const folder = await tinyCheckpoint();
    const rows = [];
    for (const apply of [merged, factored]) {
      const { session, config, parameters } = await prepare(apply, folder);
      const greedy = { ...request, promptIds: randomIds(11, 4), temperature: 0 };
      rows.push(await decodeBatch(session, [request, greedy], [], config, parameters));
    }
    const ids = rows.map((requests) => requests.map((group) => group.map((row) => row.ids)));
    expect(ids[0]).toEqual(ids[1]);
    const [one, other] = rows.map((requests) => requests.flat().flatMap(({ logprobs }) => logprobs));
    one!.forEach((logprob, i) => {
      expect(logprob).toBeCloseTo(other![i]!, 4);
    });
  });

  it("ends its loop with the last response that is still running", async () => {
    const { session, config, parameters } = await prepare(merged, await tinyCheckpoint());
    const [rows] = await decodeBatch(session, [request], [], config, parameters);
    const stops = [rows![0]!.ids[4]!, rows![1]!.ids[6]!];
    const ends = rows!.map(({ ids }) => 1 + ids.findIndex((id) => stops.includes(id)));
    const run = vi.spyOn(session, "run");
    const [stopped] = await decodeBatch(session, [request], stops, config, parameters);
    const trips = (await run.mock.results[0]!.value).tokens.shape[0];
    expect(stopped!.map(({ ids }) => ids)).toEqual(rows!.map(({ ids }, row) => ids.slice(0, ends[row])));
    expect(trips).toBe(Math.max(...ends));
    expect(trips).toBeLessThan(request.maxNewTokens);
  });

  it("samples each response from its own stream, so that a larger group begins with the smaller one's", async () => {
    const { session, config, parameters } = await prepare(merged, await tinyCheckpoint());
    const [few] = await decodeBatch(session, [request], [], config, parameters);
    const [many] = await decodeBatch(session, [{ ...request, count: 5 }], [], config, parameters);
    expect(many!.slice(0, 2).map(({ ids }) => ids)).toEqual(few!.map(({ ids }) => ids));
    expect(new Set(many!.map(({ ids }) => ids.join(" "))).size).toBe(5);
  });

  it.each([
    [
      "untied embeddings and biases",
      { architecture: "qwen2", queryKeyNorm: false, attentionBias: true, tiedEmbeddings: false },
    ],
    ["one key head per query head", { architecture: "llama", queryKeyNorm: false, keyValueHeads: 4 }],
  ] as const)("decodes with %s as it scores", async (_, changes) => {
    const config = { ...tinyConfig, ...changes };
    const folder = await tinyCheckpoint(config);
    const model = await LanguageModel.open({ folder, threads: 1 });
    onTestFinished(() => model.close());
    const [[row] = []] = await model.generate([{ ...request, count: 1 }], { stopIds: [] });
    const [scores] = await model.logprobs([{ promptIds: request.promptIds, responses: [row!.ids] }]);
    scores!.logprobs[0]!.forEach((logprob, i) => {
      expect(row!.logprobs[i]).toBeCloseTo(logprob, 4);
    });
  });
});
