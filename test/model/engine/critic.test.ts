import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { UsageError } from "../../../src/errors.js";
import type { ScoreGroup, ValueGroup } from "../../../src/model/engine/engine.js";
import { LanguageModel } from "../../../src/model/engine/language-model.js";
import { temporaryFolder } from "../reference.js";
import { randomIds, tinyCheckpoint } from "../tiny-checkpoint.js";

const lora = { rank: 4, alpha: 8, seed: 5 };

async function open(): Promise<LanguageModel> {
  const model = await LanguageModel.open({ folder: await tinyCheckpoint(), threads: 1 });
  onTestFinished(() => model.close());
  model.createCritic("critic", lora);
  return model;
}

const group = (seed: number, prompt: number, lengths: readonly number[]): ScoreGroup => ({
  promptIds: randomIds(prompt, seed),
  responses: lengths.map((length, i) => randomIds(length, seed + 100 * (i + 1))),
});
const groups = [group(1, 5, [3, 9]), group(2, 17, [1, 4]), group(3, 11, [6, 6])];
const tokens = groups.flatMap(({ responses }) => responses.flat()).length;

/** Returns that depend on the token, to be learned. */
const lesson = (values: readonly number[][][]): ValueGroup[] =>
  groups.map((scored, g) => ({
    ...scored,
    weights: scored.responses.map((ids) => ids.map(() => 1 / tokens)),
    returns: scored.responses.map((ids, r) => ids.map((_, t) => Math.sin(3 * g + 2 * r + t))),
    oldValues: values[g]!,
  }));
const update = async (model: LanguageModel) =>
  model.update("critic", {
    objective: "value",
    groups: lesson(await model.values(groups, "critic")),
    valueClip: 0.2,
    optimizer: { learningRate: 1e-2 },
  });
const largest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe("a critic", () => {
  it("says 0 of every state at first, one value for each response token", async () => {
    const values = await (await open()).values(groups, "critic");
    expect(values.map((rows) => rows.map((row) => row.length))).toEqual([
      [3, 9],
      [1, 4],
      [6, 6],
    ]);
    expect(values.flat(2).every((value) => value === 0)).toBe(true);
  });

  it("learns its returns, and leaves base and policy as they were", async () => {
    const model = await open();
    model.createAdapter("policy", lora);
    const before = await model.logprobs(groups, "policy");
    const losses: number[] = [];
    for (let i = 0; i < 30; i++) losses.push((await update(model)).loss);
    expect(losses.at(-1)!).toBeLessThan(0.3 * losses[0]!);
    expect(await model.logprobs(groups, "policy")).toEqual(before);
  });

  it("gives the same values whatever shares the batch, and in the update as in scoring", async () => {
    const model = await open();
    for (let i = 0; i < 4; i++) await update(model);
    const together = await model.values(groups, "critic");
    for (const [g, one] of groups.entries()) {
      const [alone] = await model.values([one], "critic");
      expect(largest(together[g]!.flat(), alone!.flat())).toBeLessThan(1e-5);
    }
    const { values, logprobs } = await update(model);
    expect(largest(values!.flat(2), together.flat(2))).toBeLessThan(1e-5);
    expect(logprobs).toEqual([]);
    expect(Math.max(...together.flat(2).map(Math.abs))).toBeGreaterThan(0.05);
  });

  it("knows a state by what precedes the token alone", async () => {
    const model = await open();
    for (let i = 0; i < 3; i++) await update(model);
    const [first] = groups;
    const changed = { ...first!, responses: first!.responses.map((ids) => ids.with(-1, 7)) };
    const values = await model.values([first!, changed], "critic");
    expect(largest(values[0]!.flat(), values[1]!.flat())).toBeLessThan(1e-6);
  });

  it("goes on from its checkpoint bit for bit", async () => {
    const model = await open();
    for (let i = 0; i < 3; i++) await update(model);
    const folder = join(await temporaryFolder(), "critic");
    await model.saveTraining("critic", folder);
    const result = await update(model);
    model.createCritic("critic", { ...lora, seed: 9 });
    await model.loadTraining("critic", folder);
    expect(await update(model)).toEqual(result);
  });

  it("is no policy, and a policy no critic", async () => {
    const model = await open();
    model.createAdapter("policy", lora);
    await expect(model.values(groups, "policy")).rejects.toThrow(UsageError);
    await expect(model.logprobs(groups, "critic")).rejects.toThrow(UsageError);
    await expect(model.saveAdapter("critic", await temporaryFolder())).rejects.toThrow(UsageError);
    const request = { objective: "likelihood", groups: lesson([[], [], []]), optimizer: {} } as const;
    await expect(model.update("critic", request)).rejects.toThrow(UsageError);
  });
});
