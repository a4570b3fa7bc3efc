import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyEngine } from "../../src/model/engine/engine.js";
import type { PolicyOptions } from "../../src/train/algorithm/policy-options.js";
import { policyStep } from "../../src/train/policy-step.js";
import { grpo } from "../../src/train/presets/grpo.js";
import type { Rollout, RolloutGroup, Sample } from "../../src/train/rollout.js";
import { randomIds } from "../model/tiny-checkpoint.js";
import { ScriptedEngine } from "./scripted-engine.js";
import { lora, openTinyEngine, trainingBytes } from "./tiny-policy.js";

const outcomeOnly: PolicyOptions = { ...grpo, formatWeight: 0 };

const rollout = (outcome: number, ...samples: Sample[]): Rollout => ({ samples, outcome, format: 1, operations: {} });

const sampled = (prompt: number, length: number, seed = 1): Sample => ({
  promptIds: randomIds(5, prompt),
  responseIds: randomIds(length, seed),
  logprobs: Array.from({ length }, (_, i) => -(i + 1) / 8),
  truncated: false,
});

/** Groups as the engine samples them, with the given outcomes. */
async function sampledGroups(
  engine: PolicyEngine,
  adapter: string,
  outcomes: readonly (readonly number[])[],
): Promise<RolloutGroup[]> {
  const prompts = outcomes.map((_, i) => randomIds(6 + 5 * i, 70 + i));
  const requests = prompts.map((promptIds, i) => ({
    promptIds,
    count: outcomes[i]!.length,
    maxNewTokens: 9,
    temperature: 1,
    seed: i,
  }));
  const generations = await engine.generate(requests, { adapter, stopIds: [2] });
  return generations.map((responses, i) => ({
    item: String(i),
    rollouts: responses.map(({ ids, logprobs }, r) =>
      rollout(outcomes[i]![r]!, { promptIds: prompts[i]!, responseIds: ids, logprobs, truncated: false }),
    ),
  }));
}

/** The update that a step asks for, without an engine. */
async function updateOf(groups: readonly RolloutGroup[], options: Partial<PolicyOptions>) {
  const engine = new ScriptedEngine(() => "");
  const metrics = await policyStep(engine, "a", groups, { ...outcomeOnly, ...options });
  const [update] = engine.updates;
  if (update !== undefined && update.objective !== "policy") throw new Error("not a policy update");
  return { metrics, update, count: engine.updates.length };
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe("a GRPO step on a real policy", () => {
  let engine: PolicyEngine;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ engine, close } = await openTinyEngine());
  });
  afterAll(() => close());

  it("begins at ratio 1: what was sampled scores the same, and nothing is clipped", async () => {
    const groups = await sampledGroups(engine, "moved", [
      [0, 1, 0, 1],
      [1, 0, 0, 0],
    ]);
    await engine.copyAdapter("moved", "a");
    const samples = groups.flatMap(({ rollouts }) => rollouts.flatMap((one) => one.samples));
    const scores = await engine.logprobs(
      samples.map(({ promptIds, responseIds }) => ({ promptIds, responses: [responseIds] })),
      "a",
    );
    const differences = samples.flatMap(({ logprobs }, i) =>
      logprobs.map((value, t) => Math.abs(value - scores[i]!.logprobs[0]![t]!)),
    );
    expect(differences.length).toBeGreaterThan(30);
    expect(Math.max(...differences)).toBeLessThan(1e-5);
    const metrics = await policyStep(engine, "a", groups, { ...outcomeOnly, klCoefficient: 0 });
    expect(metrics.approxKl).toBeLessThan(1e-9);
    expect(metrics.clipFraction).toBe(0);
    // At ratio 1 the loss is minus the mean advantage, which is 0 in each group.
    expect(Math.abs(metrics.loss)).toBeLessThan(1e-5);
    expect(metrics.gradientNorm).toBeGreaterThan(1e-3);
  });

  it("finds no KL between an untrained adapter and the base, and some between a trained one and the base", async () => {
    await engine.createAdapter("new", lora);
    const outcomes = [[0, 1, 0, 1]];
    const untrained = await policyStep(engine, "new", await sampledGroups(engine, "new", outcomes), outcomeOnly);
    expect(Math.abs(untrained.kl)).toBeLessThan(1e-9);
    await engine.copyAdapter("moved", "a");
    const trained = await policyStep(engine, "a", await sampledGroups(engine, "a", outcomes), outcomeOnly);
    expect(trained.kl).toBeGreaterThan(1e-4);
  });

  it("moves away from ratio 1 in later epochs", async () => {
    await engine.copyAdapter("moved", "a");
    const groups = await sampledGroups(engine, "a", [[0, 1, 0, 1]]);
    const metrics = await policyStep(engine, "a", groups, {
      ...outcomeOnly,
      epochs: 3,
      optimizer: { learningRate: 1e-2 },
    });
    expect(metrics.approxKl).toBeGreaterThan(1e-4);
  });

  it("changes no byte of adapter or moments where all rewards of a group are equal", async () => {
    await engine.copyAdapter("moved", "a");
    const before = await trainingBytes(engine, "a");
    const groups = await sampledGroups(engine, "a", [
      [1, 1, 1],
      [0, 0, 0],
    ]);
    const metrics = await policyStep(engine, "a", groups, outcomeOnly);
    expect(metrics).toMatchObject({ droppedGroups: 2, groups: 2, loss: 0, gradientNorm: 0, reward: 0.5 });
    expect((await trainingBytes(engine, "a")).equals(before)).toBe(true);
  });

  it("makes what was rewarded likelier, and what was not less so", async () => {
    await engine.copyAdapter("moved", "a");
    const groups = await sampledGroups(engine, "a", [[1, 0, 0, 0]]);
    const step = { ...outcomeOnly, optimizer: { learningRate: 3e-3 } };
    const scored = groups[0]!.rollouts.map(({ samples: [sample] }) => ({
      promptIds: sample!.promptIds,
      responses: [sample!.responseIds],
    }));
    const likelihoods = async () => (await engine.logprobs(scored, "a")).map(({ logprobs }) => sum(logprobs[0]!));
    const before = await likelihoods();
    for (let i = 0; i < 5; i++) await policyStep(engine, "a", groups, step);
    const after = await likelihoods();
    expect(after[0]).toBeGreaterThan(before[0]!);
    expect(sum(after.slice(1))).toBeLessThan(sum(before.slice(1)));
  });
});

describe("the update that a GRPO step asks for", () => {
  it("has advantages that sum to 0 over the rollouts of a group", async () => {
    const group = { item: "a", rollouts: [0, 0.5, 1, 1].map((outcome, i) => rollout(outcome, sampled(1, 4, i))) };
    for (const advantage of ["mean-std", "mean", "leave-one-out"] as const) {
      const { update } = await updateOf([group], { advantage });
      expect(sum(update!.groups[0]!.advantages.map(([first]) => first!))).toBeCloseTo(0, 9);
    }
  });

  it("weighs a rollout with many calls as much as one with few, and gives each call its advantage", async () => {
    const many = rollout(1, sampled(1, 2), sampled(2, 3), sampled(3, 7));
    const few = rollout(0, sampled(1, 4));
    const { update } = await updateOf([{ item: "a", rollouts: [many, few] }], {});
    const shares = update!.groups.flatMap(({ weights, advantages }) =>
      weights.map((row, r) => ({ weight: sum(row), up: advantages[r]!.every((value) => value > 0) })),
    );
    expect(shares).toHaveLength(4);
    expect(sum(shares.filter(({ up }) => up).map(({ weight }) => weight))).toBeCloseTo(0.5, 9);
    expect(sum(shares.filter(({ up }) => !up).map(({ weight }) => weight))).toBeCloseTo(0.5, 9);
  });

  it("packs responses to one prompt together, and never across groups", async () => {
    const groups = ["a", "b"].map((item) => ({
      item,
      rollouts: [rollout(1, sampled(1, 2)), rollout(0, sampled(1, 3)), rollout(0, sampled(2, 3))],
    }));
    const { update } = await updateOf(groups, {});
    expect(update!.groups.map(({ responses }) => responses.length)).toEqual([2, 1, 2, 1]);
    for (const { advantages } of update!.groups.filter(({ responses }) => responses.length === 2)) {
      expect(advantages.map(([first]) => Math.sign(first!))).toEqual([1, -1]);
    }
  });

  it("leaves out groups of equal rewards, counts them, and shares the loss among the others", async () => {
    const flat = { item: "flat", rollouts: [rollout(1, sampled(1, 2)), rollout(1, sampled(1, 3))] };
    const mixed = { item: "mixed", rollouts: [rollout(1, sampled(2, 2)), rollout(0, sampled(2, 3))] };
    const { update, metrics } = await updateOf([flat, mixed], {});
    expect(metrics).toMatchObject({ droppedGroups: 1, groups: 2, reward: 0.75 });
    expect(update!.groups.map(({ promptIds }) => promptIds)).toEqual([randomIds(5, 2)]);
    expect(sum(update!.groups.flatMap(({ weights }) => weights.flat()))).toBeCloseTo(1, 9);
  });

  it("takes the recorded log-probabilities as the old ones", async () => {
    const group = { item: "a", rollouts: [rollout(1, sampled(1, 2)), rollout(0, sampled(1, 3))] };
    const { update } = await updateOf([group], {});
    expect(update!.groups[0]!.oldLogprobs).toEqual(group.rollouts.map(({ samples }) => samples[0]!.logprobs));
  });

  it("is asked for once per epoch, and not at all without a difference in reward", async () => {
    const group = (outcome: number) => ({
      item: "a",
      rollouts: [rollout(1, sampled(1, 2)), rollout(outcome, sampled(1, 3))],
    });
    expect((await updateOf([group(0)], { epochs: 3 })).count).toBe(3);
    expect((await updateOf([group(1)], { epochs: 3 })).count).toBe(0);
  });

  it("adds the share for text that can be read to the outcome", async () => {
    const unreadable = { ...rollout(0.5, sampled(1, 2)), format: 0 };
    const group = { item: "a", rollouts: [rollout(0.5, sampled(1, 2)), unreadable] };
    const { metrics } = await updateOf([group], { formatWeight: 0.2 });
    expect(metrics.reward).toBeCloseTo(0.8 * 0.5 + 0.2 * 0.5, 9);
    expect(metrics).toMatchObject({ outcome: 0.5, unparsable: 0.5 });
  });
});
