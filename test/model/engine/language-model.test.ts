import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { GenerateRequest, PolicyGroup, ScoreGroup, TrainingGroup } from "../../../src/model/engine/engine.js";
import { LanguageModel } from "../../../src/model/engine/language-model.js";
import { FULL } from "../../../src/model/engine/parameter-sets.js";
import { temporaryFolder } from "../reference.js";
import { randomIds, tinyCheckpoint, tinyConfig } from "../tiny-checkpoint.js";

const lora = { rank: 4, alpha: 8, seed: 5 };
const optimizer = { learningRate: 1e-2 };
const policySettings = { objective: "policy", clipLow: 0.2, clipHigh: 0.28, klCoefficient: 0.04, optimizer } as const;

async function open(folder?: string): Promise<LanguageModel> {
  const model = await LanguageModel.open({ folder: folder ?? (await tinyCheckpoint()), threads: 1 });
  onTestFinished(() => model.close());
  return model;
}

const request = (seed: number, length: number, more: Partial<GenerateRequest> = {}): GenerateRequest => ({
  promptIds: randomIds(length, seed),
  maxNewTokens: 14,
  temperature: 0.9,
  seed,
  ...more,
});

const group = (seed: number, prompt: number, lengths: readonly number[]): ScoreGroup => ({
  promptIds: randomIds(prompt, seed),
  responses: lengths.map((length, i) => randomIds(length, seed + 100 * (i + 1))),
});

const equally = (scored: ScoreGroup, weight: number): TrainingGroup => ({
  ...scored,
  weights: scored.responses.map((ids) => ids.map(() => weight)),
});

/** A policy-gradient group whose old and reference policies are noisy copies of the base. */
function policyGroup(scored: ScoreGroup, logprobs: readonly (readonly number[])[], weight: number): PolicyGroup {
  const shifted = (by: number) => logprobs.map((row) => row.map((value, i) => value + by * Math.sin(i + 1)));
  return {
    ...equally(scored, weight),
    advantages: scored.responses.map((ids, row) => ids.map(() => (row % 2 === 0 ? 1 : -0.7))),
    oldLogprobs: shifted(0.15),
    referenceLogprobs: shifted(0.3),
  };
}

function expectClose(
  found: readonly (readonly number[])[],
  wanted: readonly (readonly number[])[],
  bound: number,
): void {
  expect(found.map((row) => row.length)).toEqual(wanted.map((row) => row.length));
  const differences = found.flatMap((row, r) => row.map((value, i) => Math.abs(value - wanted[r]![i]!)));
  expect(Math.max(...differences)).toBeLessThan(bound);
}

describe("scoring", () => {
  it("does not depend on padding, batch order, or what shares the batch", async () => {
    const model = await open();
    const groups = [group(1, 5, [3, 9]), group(2, 17, [1, 4]), group(3, 11, [6, 6])];
    const together = await model.logprobs(groups);
    const reversed = (await model.logprobs(groups.toReversed())).reverse();
    for (const [i, one] of groups.entries()) {
      const [alone] = await model.logprobs([one]);
      expectClose(together[i]!.logprobs, alone!.logprobs, 1e-5);
      expectClose(together[i]!.logprobs, reversed[i]!.logprobs, 1e-5);
    }
  });

  it("of a group that shares its prompt equals that of separate rows", async () => {
    const model = await open();
    const shared = group(4, 13, [2, 8, 5]);
    const [together] = await model.logprobs([shared]);
    const separate = await model.logprobs(
      shared.responses.map((ids) => ({ promptIds: shared.promptIds, responses: [ids] })),
    );
    const rows = separate.map(({ logprobs }) => logprobs[0]!);
    expectClose(together!.logprobs, rows, 1e-5);
  });
});

describe("generation", () => {
  it("reports the log-probabilities that scoring gives the same tokens", async () => {
    const model = await open();
    const requests = [request(1, 4, { count: 3 }), request(2, 15, { count: 3, temperature: 0.3 })];
    const generations = await model.generate(requests, { stopIds: [2] });
    const scores = await model.logprobs(
      requests.map(({ promptIds }, i) => ({ promptIds, responses: generations[i]!.map(({ ids }) => ids) })),
    );
    for (const [i, rows] of generations.entries()) {
      expectClose(
        rows.map(({ logprobs }) => logprobs),
        scores[i]!.logprobs,
        1e-4,
      );
    }
  });

  it("gives the same tokens for the same seed and others for another", async () => {
    const model = await open();
    const [first, again, other] = await model.generate([request(3, 6), request(3, 6), { ...request(3, 6), seed: 4 }], {
      stopIds: [],
    });
    expect(first).toEqual(again);
    expect(other![0]!.ids).not.toEqual(first![0]!.ids);
  });

  it("samples the same tokens whatever shares the batch", async () => {
    const model = await open();
    const requests = [request(5, 3), request(6, 20, { temperature: 1.3, maxNewTokens: 5 }), request(7, 9)];
    const together = await model.generate(requests, { stopIds: [2] });
    for (const [i, one] of requests.entries()) {
      const [[alone] = []] = await model.generate([one], { stopIds: [2] });
      expect(together[i]![0]!.ids).toEqual(alone!.ids);
    }
    const [group] = await model.generate([{ ...requests[0]!, count: 4 }], { stopIds: [2] });
    expect(group![0]!.ids).toEqual(together[0]![0]!.ids);
  });

  it("in pieces gives the tokens of one run", async () => {
    const model = await open();
    const one = request(8, 10, { maxNewTokens: 30 });
    const pieces: number[][] = [];
    const onTokens = (ids: readonly number[]) => pieces.push([...ids]);
    const [[streamed] = []] = await model.generate([one], { stopIds: [], onTokens });
    const [[whole] = []] = await model.generate([one], { stopIds: [] });
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.flat()).toEqual(whole!.ids);
    expect(streamed!.ids).toEqual(whole!.ids);
    expectClose([streamed!.logprobs], [whole!.logprobs], 1e-4);
  });

  it("ends a response at the first stop token, which is its last id, in one run and in pieces", async () => {
    const model = await open();
    const one = request(9, 7, { maxNewTokens: 24 });
    const [[free] = []] = await model.generate([one], { stopIds: [] });
    const stop = free!.ids[9]!;
    const ended = free!.ids.slice(0, free!.ids.indexOf(stop) + 1);
    const [[whole] = []] = await model.generate([one], { stopIds: [stop] });
    const onTokens = () => undefined;
    const [[streamed] = []] = await model.generate([one], { stopIds: [stop], onTokens });
    expect(free!.finishReason).toBe("length");
    expect(free!.ids).toHaveLength(24);
    for (const found of [streamed!, whole!]) {
      expect(found.finishReason).toBe("stop");
      expect(found.ids).toEqual(ended);
    }
  });

  it("takes at temperature 0 the token that scoring finds most likely", async () => {
    const model = await open();
    const one = request(10, 8, { temperature: 0, maxNewTokens: 6 });
    const [[greedy] = []] = await model.generate([one], { stopIds: [] });
    for (const [step, id] of greedy!.ids.entries()) {
      const promptIds = [...one.promptIds, ...greedy!.ids.slice(0, step)];
      const responses = Array.from({ length: tinyConfig.vocabularySize }, (_, token) => [token]);
      const [scores] = await model.logprobs([{ promptIds, responses }]);
      const likely = scores!.logprobs.map(([logprob]) => logprob!);
      expect(id).toBe(likely.indexOf(Math.max(...likely)));
    }
  });

  it("stops between pieces when it is aborted", async () => {
    const model = await open();
    const abort = new AbortController();
    const [[cut] = []] = await model.generate([request(11, 5, { maxNewTokens: 50 })], {
      stopIds: [],
      signal: abort.signal,
      onTokens: () => abort.abort(),
    });
    expect(cut!.ids).toHaveLength(1);
  });
});

describe("training", () => {
  it("of all weights lowers the loss", async () => {
    const model = await open();
    const groups = [1, 2, 3, 4].map((seed) => equally(group(seed, 6, [8]), 1 / 32));
    const losses: number[] = [];
    for (let step = 0; step < 20; step++) {
      losses.push((await model.update(FULL, { objective: "likelihood", groups, optimizer })).loss);
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 3);
  });

  it("of an adapter lowers the loss and leaves the base and copies as they were", async () => {
    const model = await open();
    model.createAdapter("a", lora);
    const scored = [1, 2].map((seed) => group(seed, 6, [8]));
    const before = await model.logprobs(scored);
    expect(await model.logprobs(scored, "a")).toEqual(before);
    const groups = scored.map((one) => equally(one, 1 / 16));
    const losses: number[] = [];
    for (let step = 0; step < 20; step++) {
      if (step === 1) model.copyAdapter("a", "copy");
      losses.push((await model.update("a", { objective: "likelihood", groups, optimizer })).loss);
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
    expect(await model.logprobs(scored)).toEqual(before);
    const [copied, trained] = [await model.logprobs(scored, "copy"), await model.logprobs(scored, "a")];
    expect(copied[0]!.logprobs[0]![0]).toBeLessThan(trained[0]!.logprobs[0]![0]!);
  });

  it("in micro-batches equals one batch", async () => {
    const model = await open();
    const shared = group(6, 9, [4, 7, 2]);
    const one = (ids: readonly number[]): ScoreGroup => ({ promptIds: shared.promptIds, responses: [ids] });
    const [first, second, third] = shared.responses;
    // Groups of different sizes never share a run.
    const layouts = {
      whole: [one(first!), one(second!), one(third!)],
      parts: [one(first!), { promptIds: shared.promptIds, responses: [second!, third!] }],
    };
    const results = new Map<string, { loss: number; gradientNorm: number; logprobs: number[][] }>();
    for (const [name, scored] of Object.entries(layouts)) {
      model.createAdapter(name, lora);
      const base = await model.logprobs(scored);
      const groups = scored.map((part, i) => ({
        ...policyGroup(part, base[i]!.logprobs, 1 / 13),
        advantages: part.responses.map((ids) => ids.map(() => 1)),
      }));
      for (let step = 0; step < 3; step++) {
        const { loss, gradientNorm, logprobs } = await model.update(name, { ...policySettings, groups });
        results.set(name, { loss, gradientNorm, logprobs: logprobs.flat() });
      }
    }
    const { whole, parts } = Object.fromEntries(results);
    expect(parts!.loss).toBeCloseTo(whole!.loss, 5);
    expect(parts!.gradientNorm).toBeCloseTo(whole!.gradientNorm, 4);
    expectClose(parts!.logprobs, whole!.logprobs, 1e-4);
  });

  it("restored from a checkpoint goes on bit for bit", async () => {
    const checkpoint = await tinyCheckpoint();
    const scored = group(8, 7, [5, 9]);
    const steps = async (model: LanguageModel, count: number) => {
      const [base] = await model.logprobs([scored]);
      const groups = [policyGroup(scored, base!.logprobs, 1 / 14)];
      const results = [];
      for (let i = 0; i < count; i++) results.push(await model.update("a", { ...policySettings, groups }));
      return results;
    };
    const folder = await temporaryFolder();
    const [half, uninterrupted, resumed] = ["half", "whole", "resumed"].map((name) => join(folder, name));
    const first = await open(checkpoint);
    first.createAdapter("a", lora);
    await steps(first, 3);
    await first.saveTraining("a", half!);
    const wanted = await steps(first, 3);
    await first.saveTraining("a", uninterrupted!);
    const second = await open(checkpoint);
    second.createAdapter("a", { ...lora, seed: 99 });
    expect(await second.loadTraining("a", half!)).toBe(3);
    expect(await steps(second, 3)).toEqual(wanted);
    await second.saveTraining("a", resumed!);
    const bytes = (name: string) => readFile(join(name, "training.safetensors"));
    expect((await bytes(resumed!)).equals(await bytes(uninterrupted!))).toBe(true);
  });

  it("gives a saved adapter back with the same numbers", async () => {
    const model = await open();
    model.createAdapter("a", lora);
    const scored = group(9, 7, [5]);
    await model.update("a", { objective: "likelihood", groups: [equally(scored, 0.2)], optimizer });
    const folder = join(await temporaryFolder(), "adapter");
    await model.saveAdapter("a", folder);
    await model.loadAdapter("b", folder);
    expect(await model.logprobs([scored], "b")).toEqual(await model.logprobs([scored], "a"));
  });

  it("gives a model that was trained whole back with its chat template", async () => {
    const folder = await tinyCheckpoint();
    await writeFile(join(folder, "chat_template.jinja"), "{{ messages[0].content }}");
    const model = await open(folder);
    await model.update(FULL, { objective: "likelihood", groups: [equally(group(9, 7, [5]), 0.2)], optimizer });
    const saved = join(await temporaryFolder(), "full");
    await model.saveAdapter(FULL, saved);
    expect(await readFile(join(saved, "chat_template.jinja"), "utf8")).toBe("{{ messages[0].content }}");
  });

  it("refuses to learn from nothing, and from numbers that are not one for each token", async () => {
    const model = await open();
    model.createAdapter("a", lora);
    const likelihood = { objective: "likelihood", optimizer } as const;
    const scored = equally(group(9, 7, [5, 3]), 0.2);
    await expect(model.update("a", { ...likelihood, groups: [] })).rejects.toThrow("no groups to learn from");
    const mute = { ...scored, responses: [], weights: [] };
    await expect(model.update("a", { ...likelihood, groups: [scored, mute] })).rejects.toThrow("groups[1]");
    const short = { ...scored, weights: [scored.weights[0]!, [0.2]] };
    await expect(model.update("a", { ...likelihood, groups: [short] })).rejects.toThrow(
      "groups[0].weights[1]: numbers and tokens are not equally many; expected 3 numbers; found 1",
    );
  });

  it("tells tokens of one response alone", async () => {
    const model = await open();
    const told = { stopIds: [], onTokens: () => undefined };
    for (const requests of [[], [request(1, 4), request(2, 4)], [request(1, 4, { count: 2 })]]) {
      await expect(model.generate(requests, told)).rejects.toThrow("onTokens");
    }
  });

  it("refuses a name that no adapter has", async () => {
    const model = await open();
    await expect(model.logprobs([group(1, 3, [2])], "missing")).rejects.toThrow(/no adapter of the name "missing"/);
  });
});
