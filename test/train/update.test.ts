import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyEngine, PolicyGroup } from "../../src/model/engine/engine.js";
import { randomIds } from "../model/tiny-checkpoint.js";
import { openTinyEngine, relativeDifference, trainingBytes, trainingTensors } from "./tiny-policy.js";

let engine: PolicyEngine;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ engine, close } = await openTinyEngine());
});
afterAll(() => close());

const settings = { objective: "policy", clipLow: 0.2, clipHigh: 0.28, klCoefficient: 0.04 } as const;

/** A prompt with responses of these lengths, off the policy enough that some tokens are clipped. */
async function policyGroup(seed: number, prompt: number, lengths: readonly number[]): Promise<PolicyGroup> {
  const promptIds = randomIds(prompt, seed);
  const responses = lengths.map((length, i) => randomIds(length, seed + 100 * (i + 1)));
  const [scores] = await engine.logprobs([{ promptIds, responses }], "moved");
  const shifted = (by: number) => scores!.logprobs.map((row, r) => row.map((value, t) => value + by * Math.sin(r + t)));
  return {
    promptIds,
    responses,
    weights: responses.map((ids) => ids.map(() => 1 / (8 * ids.length))),
    advantages: responses.map((ids, r) => ids.map(() => [1, -0.7, 0.4][r % 3]!)),
    oldLogprobs: shifted(0.4),
    referenceLogprobs: shifted(0.2),
  };
}

/** Gradients at "moved": after one step from zero moments, the first moments over 1 − β1. Also leaves the stepped adapter as `name`. */
async function gradients(groups: readonly PolicyGroup[], name = "a") {
  await engine.copyAdapter("moved", name);
  const optimizer = { learningRate: 1e-3, maxGradientNorm: Number.POSITIVE_INFINITY };
  const { loss, gradientNorm } = await engine.update(name, { ...settings, groups, optimizer });
  return { loss, gradientNorm, tensors: await trainingTensors(engine, name, "first") };
}

const rowsOf = ({ promptIds, ...group }: PolicyGroup): PolicyGroup[] =>
  group.responses.map((_, r) => ({
    promptIds,
    responses: [group.responses[r]!],
    weights: [group.weights[r]!],
    advantages: [group.advantages[r]!],
    oldLogprobs: [group.oldLogprobs[r]!],
    referenceLogprobs: [group.referenceLogprobs[r]!],
  }));

const reversedRows = (group: PolicyGroup): PolicyGroup => ({
  promptIds: group.promptIds,
  responses: group.responses.toReversed(),
  weights: group.weights.toReversed(),
  advantages: group.advantages.toReversed(),
  oldLogprobs: group.oldLogprobs.toReversed(),
  referenceLogprobs: group.referenceLogprobs.toReversed(),
});

describe("the gradient of an update", () => {
  it("does not depend on the order of groups and of responses", async () => {
    const groups = [await policyGroup(1, 5, [3, 9, 4]), await policyGroup(2, 17, [1, 4, 6])];
    const there = await gradients(groups);
    const back = await gradients(groups.map(reversedRows).toReversed());
    expect(Math.abs(back.loss - there.loss)).toBeLessThan(1e-6);
    expect(relativeDifference(back.tensors, there.tensors)).toBeLessThan(1e-6);
  });

  it("does not depend on padding", async () => {
    const group = await policyGroup(3, 6, [3, 5, 2]);
    const long = await policyGroup(4, 40, [20, 30, 25]);
    // It weighs nothing, but all the others are padded to its size.
    const weightless = { ...long, weights: long.weights.map((row) => row.map(() => 0)) };
    const alone = await gradients([group]);
    const padded = await gradients([weightless, group]);
    expect(relativeDifference(padded.tensors, alone.tensors)).toBeLessThan(1e-6);
  });

  it("is that of separate rows where responses share their prompt: 1 by 8 moves the adapter as 8 by 1 does", async () => {
    const packed = await policyGroup(5, 11, [2, 8, 5, 6, 3, 7, 4, 9]);
    const together = await gradients([packed], "packed");
    const apart = await gradients(rowsOf(packed), "rows");
    expect(Math.abs(apart.loss - together.loss)).toBeLessThan(1e-6);
    expect(relativeDifference(apart.tensors, together.tensors)).toBeLessThan(1e-6);
    const [one, other] = [
      await trainingTensors(engine, "packed", "parameter"),
      await trainingTensors(engine, "rows", "parameter"),
    ];
    expect(relativeDifference(one, other)).toBeLessThan(1e-6);
    expect(relativeDifference(one, await trainingTensors(engine, "moved", "parameter"))).toBeGreaterThan(1e-4);
  });

  it("has no part from tokens without weight", async () => {
    const group = await policyGroup(6, 7, [4, 6, 5]);
    const masked = { ...group, weights: group.weights.map((row) => row.map((weight, t) => (t < 2 ? weight : 0))) };
    const wild = {
      ...masked,
      advantages: masked.advantages.map((row) => row.map((value, t) => (t < 2 ? value : 50))),
      oldLogprobs: masked.oldLogprobs.map((row) => row.map((value, t) => (t < 2 ? value : value - 3))),
    };
    const cut: PolicyGroup = {
      promptIds: group.promptIds,
      responses: group.responses.map((ids) => ids.slice(0, 2)),
      weights: group.weights.map((row) => row.slice(0, 2)),
      advantages: group.advantages.map((row) => row.slice(0, 2)),
      oldLogprobs: group.oldLogprobs.map((row) => row.slice(0, 2)),
      referenceLogprobs: group.referenceLogprobs.map((row) => row.slice(0, 2)),
    };
    const [with_, without] = [await gradients([wild]), await gradients([cut])];
    expect(relativeDifference(with_.tensors, without.tensors)).toBeLessThan(1e-6);
    const nothing = { ...group, weights: group.weights.map((row) => row.map(() => 0)) };
    const zero = await gradients([nothing]);
    expect(zero.gradientNorm).toBe(0);
    expect(zero.loss).toBe(0);
  });
});

describe("an update that fails", () => {
  const optimizer = { learningRate: 1e-3 };

  it("because the loss is not finite leaves adapter and moments as they were", async () => {
    await engine.copyAdapter("moved", "a");
    const group = await policyGroup(7, 5, [3, 4]);
    const before = await trainingBytes(engine, "a");
    const groups = [{ ...group, advantages: group.advantages.map((row) => row.map(() => Number.NaN)) }];
    await expect(engine.update("a", { ...settings, groups, optimizer })).rejects.toThrow(/is not finite/);
    expect((await trainingBytes(engine, "a")).equals(before)).toBe(true);
    // The engine goes on.
    expect((await engine.update("a", { ...settings, groups: [group], optimizer })).gradientNorm).toBeGreaterThan(0);
  });

  it("because a ratio overflows, though the clipped loss is finite, leaves adapter and moments as they were", async () => {
    await engine.copyAdapter("moved", "a");
    const group = await policyGroup(8, 5, [3, 4]);
    const before = await trainingBytes(engine, "a");
    const groups = [
      {
        ...group,
        advantages: group.advantages.map((row) => row.map(() => 1)),
        oldLogprobs: group.oldLogprobs.map((row) => row.map(() => -200)),
      },
    ];
    await expect(engine.update("a", { ...settings, groups, optimizer })).rejects.toThrow(/loss -?\d[^;]*gradient NaN/);
    expect((await trainingBytes(engine, "a")).equals(before)).toBe(true);
  });
});
