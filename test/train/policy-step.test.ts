import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.js";
import type { PolicyGroup, UpdateRequest, ValueGroup } from "../../src/model/engine/engine.js";
import { aggregations } from "../../src/train/algorithm/aggregation.js";
import type { PolicyOptions } from "../../src/train/algorithm/policy-options.js";
import { policyStep } from "../../src/train/policy-step.js";
import { presets } from "../../src/train/presets/index.js";
import type { Rollout, RolloutGroup, Sample } from "../../src/train/rollout.js";
import { randomIds } from "../model/tiny-checkpoint.js";
import { ScriptedEngine } from "./scripted-engine.js";

/** What the scripted engine scores, base and adapters alike. */
const scored = (length: number) => Array.from({ length }, (_, i) => -(i + 1) / 8);

const sample = (prompt: number, length: number, by = 0, truncated = false): Sample => ({
  promptIds: randomIds(5, prompt),
  responseIds: randomIds(length, prompt + length),
  // `by` nats likelier to the sampler than to the base model, at each token.
  logprobs: scored(length).map((value) => value + by),
  truncated,
});
const rollout = (outcome: number, ...samples: Sample[]): Rollout => ({ samples, outcome, format: 1, operations: {} });
const pair = (prompt: number, length = 3): RolloutGroup => ({
  item: String(prompt),
  rollouts: [rollout(1, sample(prompt, length)), rollout(0, sample(prompt, length))],
});

async function step(groups: readonly RolloutGroup[], preset: PolicyOptions, change: Partial<PolicyOptions> = {}) {
  const engine = new ScriptedEngine(() => "");
  const options = { ...preset, formatWeight: 0, maxResponseLength: 10, ...change };
  const metrics = await policyStep(engine, "a", groups, options, { critic: "c", seed: 7 });
  const of = <K extends UpdateRequest["objective"]>(objective: K) =>
    engine.updates.filter(
      (update): update is Extract<UpdateRequest, { objective: K }> => update.objective === objective,
    );
  return { metrics, policy: of("policy"), value: of("value") };
}
const flat = <G extends PolicyGroup | ValueGroup>(
  groups: readonly G[],
  of: (group: G) => readonly (readonly number[])[],
) => groups.flatMap((group) => of(group).flat());
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const close = (found: readonly number[], wanted: readonly number[]) => {
  expect(found).toHaveLength(wanted.length);
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(wanted[i]!, 9);
  });
};

describe("a KL without weight", () => {
  it("is shown, and adds nothing to the loss", async () => {
    const from = (by: number): RolloutGroup => ({
      item: "x",
      rollouts: [rollout(1, sample(1, 3, by)), rollout(0, sample(1, 3, by))],
    });
    const weightless = await step([from(0.5)], presets.grpo, { klCoefficient: 0 });
    expect(weightless.policy[0]!.klCoefficient).toBe(0);
    close(
      flat(weightless.policy[0]!.groups, ({ referenceLogprobs }) => referenceLogprobs),
      [...scored(3), ...scored(3)],
    );
  });
});

describe("a KL in the reward", () => {
  it("lowers the advantage of what went far from the base, and leaves the loss without one", async () => {
    const groups = [{ item: "x", rollouts: [rollout(1, sample(1, 4, 0.5)), rollout(1, sample(1, 2, 0.5))] }];
    const { policy, metrics } = await step(groups, presets.rloo, { klCoefficient: 0.1 });
    // Penalties 0.1 · 4 · 0.5 and 0.1 · 2 · 0.5: each attempt against the other.
    close(
      flat(policy[0]!.groups, ({ advantages }) => advantages),
      [-0.1, -0.1, -0.1, -0.1, 0.1, 0.1],
    );
    expect(policy[0]!.klCoefficient).toBe(0);
    expect(metrics.sequenceKl).toBeCloseTo(1.5, 9);
    expect(metrics).toMatchObject({ klCoefficient: 0.1, droppedGroups: 0, reward: 1 });
  });

  it("of a rollout of several calls is the mean of theirs", async () => {
    const many = rollout(0, sample(1, 4, 0.5), sample(2, 2, 0.5));
    const groups = [{ item: "x", rollouts: [many, rollout(0, sample(1, 1))] }];
    const { policy } = await step(groups, presets.rloo, { klCoefficient: 0.1 });
    expect(policy[0]!.groups[0]!.advantages[0]![0]).toBeCloseTo(-0.15, 9);
  });

  it("drops a group where rewards and KL are all equal", async () => {
    const groups = [{ item: "x", rollouts: [rollout(1, sample(1, 4, 0.5)), rollout(1, sample(1, 4, 0.5))] }];
    const { policy, metrics } = await step(groups, presets.rloo);
    expect(policy).toHaveLength(0);
    expect(metrics.droppedGroups).toBe(1);
  });
});

describe("truncated importance sampling", () => {
  it("takes ratios to the trainer's own numbers, and weighs tokens by how they differ from the sampler's, up to the cap", async () => {
    const half = Math.log(2);
    const groups = [{ item: "x", rollouts: [rollout(1, sample(1, 2, half)), rollout(0, sample(1, 2, -2 * half))] }];
    const { policy, metrics } = await step(groups, presets["dr-grpo"], { importanceCap: 3 });
    const [group] = policy[0]!.groups;
    close(group!.oldLogprobs.flat(), [...scored(2), ...scored(2)]);
    close(group!.advantages.flat(), [0.25, 0.25, -1.5, -1.5]);
    expect(metrics.importanceWeight).toBeCloseTo(1.75, 9);
  });

  it("changes nothing where sampler and trainer agree", async () => {
    const [off, on] = [await step([pair(1)], presets.grpo), await step([pair(1)], presets.grpo, { importanceCap: 2 })];
    expect(on.policy).toEqual(off.policy);
  });
});

describe("a rollout of many calls", () => {
  it("weighs as much as one with few, whatever the aggregation", async () => {
    const many = rollout(1, sample(1, 4), sample(2, 4), sample(3, 4));
    const groups = [{ item: "x", rollouts: [many, rollout(0, sample(4, 4))] }];
    for (const aggregation of aggregations) {
      const { policy } = await step(groups, presets.grpo, { aggregation });
      const shares = policy[0]!.groups.flatMap(({ weights, advantages }) =>
        weights.map((row, r) => ({ weight: sum(row), up: advantages[r]![0]! > 0 })),
      );
      const [up, down] = [true, false].map((of) => sum(shares.filter((one) => one.up === of).map((one) => one.weight)));
      expect(up, aggregation).toBeCloseTo(down!, 12);
      expect(up).toBeGreaterThan(0);
    }
  });

  it("loses the calls that a filter leaves out from its count too", async () => {
    const cut = rollout(1, sample(1, 4), sample(2, 4, 0, true));
    const groups = [{ item: "x", rollouts: [cut, rollout(0, sample(4, 4))] }];
    const { policy } = await step(groups, presets["dr-grpo"], { overlong: { kind: "filter" } });
    expect(policy[0]!.groups.map(({ weights }) => sum(weights[0]!))).toEqual([0.2, 0, 0.2]);
  });
});

describe("the overlong filter", () => {
  it("gives cut responses no weight, shares it among the others, and counts them", async () => {
    const cut = rollout(0, sample(1, 4, 0, true));
    const groups = [{ item: "x", rollouts: [rollout(1, sample(1, 2)), cut, rollout(0, sample(1, 2))] }];
    const { policy, metrics } = await step(groups, presets.dapo, { overlong: { kind: "filter" } });
    close(
      flat(policy[0]!.groups, ({ weights }) => weights),
      [0.25, 0.25, 0, 0, 0, 0, 0.25, 0.25],
    );
    expect(metrics.filtered).toBe(1);
  });
});

describe("minibatches", () => {
  const groups = [1, 2, 3, 4, 5].map((prompt) => pair(prompt, 1 + prompt));
  const prompts = (update: { groups: readonly { promptIds: readonly number[] }[] }) =>
    update.groups.map(({ promptIds }) => promptIds.join());

  it("take every item once in each pass, in another order, and aggregate each for itself", async () => {
    const { policy } = await step(groups, presets.grpo, { epochs: 2, minibatches: 2 });
    expect(policy).toHaveLength(4);
    const passes = [policy.slice(0, 2), policy.slice(2)].map((updates) => updates.flatMap(prompts));
    for (const seen of passes)
      expect(seen.toSorted()).toEqual(
        groups.map(({ rollouts }) => rollouts[0]!.samples[0]!.promptIds.join()).toSorted(),
      );
    expect(passes[0]).not.toEqual(passes[1]);
    for (const { groups: part } of policy) expect(sum(flat(part, ({ weights }) => weights))).toBeCloseTo(1, 9);
  });

  it("are cut alike for the same seed, and never more than there are items", async () => {
    const first = await step(groups, presets.grpo, { minibatches: 2 });
    expect((await step(groups, presets.grpo, { minibatches: 2 })).policy).toEqual(first.policy);
    expect((await step([pair(1)], presets.grpo, { minibatches: 4 })).policy).toHaveLength(1);
  });
});

describe("a PPO step", () => {
  const plain = { ...presets.ppo, epochs: 1, minibatches: 1, klCoefficient: 0 };
  const critic = { ...presets.ppo.critic!, whitening: false };

  it("gives the critic the rewards to go as returns, and the policy what they are above its values", async () => {
    const groups = [{ item: "x", rollouts: [rollout(1, sample(1, 3)), rollout(0.5, sample(1, 2))] }];
    const { policy, value } = await step(groups, plain, { critic });
    close(
      flat(value[0]!.groups, ({ returns }) => returns),
      [1, 1, 1, 0.5, 0.5],
    );
    close(
      flat(value[0]!.groups, ({ oldValues }) => oldValues),
      [0, 0, 0, 0, 0],
    );
    close(
      flat(policy[0]!.groups, ({ advantages }) => advantages),
      [1, 1, 1, 0.5, 0.5],
    );
    expect(value[0]!.groups.map(({ weights }) => weights)).toEqual(policy[0]!.groups.map(({ weights }) => weights));
  });

  it("takes a KL from each token's reward, and none in the loss", async () => {
    const groups = [{ item: "x", rollouts: [rollout(1, sample(1, 3, 0.5))] }];
    const { policy } = await step(groups, plain, { critic, klCoefficient: 0.2 });
    close(policy[0]!.groups[0]!.advantages[0]!, [0.7, 0.8, 0.9]);
    expect(policy[0]!.klCoefficient).toBe(0);
  });

  it("whitens over all tokens of the step", async () => {
    const groups = [pair(1, 3), { item: "y", rollouts: [rollout(1, sample(2, 5))] }];
    const { policy } = await step(groups, plain);
    const advantages = flat(policy[0]!.groups, (group) => group.advantages);
    expect(sum(advantages)).toBeCloseTo(0, 9);
    expect(sum(advantages.map((value) => value ** 2)) / advantages.length).toBeCloseTo(1, 5);
  });

  it("learns from groups of equal rewards and of one too, and ends each call with the rollout's reward", async () => {
    const groups = [{ item: "x", rollouts: [rollout(1, sample(1, 2), sample(2, 3))] }];
    const { value, metrics } = await step(groups, plain, { critic });
    close(
      flat(value[0]!.groups, ({ returns }) => returns),
      [1, 1, 1, 1, 1],
    );
    expect(metrics.droppedGroups).toBe(0);
  });

  it("leaves out rollouts that no call was made in", async () => {
    const mute = { item: "mute", rollouts: [rollout(0), rollout(0)] };
    const { policy, metrics } = await step([mute, pair(1)], plain, { minibatches: 2 });
    expect(policy.map(({ groups }) => groups.length)).toEqual([1]);
    expect(metrics.droppedGroups).toBe(1);
  });

  it("makes as many optimizer steps of the critic as of the policy", async () => {
    const groups = [1, 2, 3, 4].map((prompt) => pair(prompt));
    const { policy, value } = await step(groups, plain, { epochs: 3, minibatches: 2 });
    expect([policy.length, value.length]).toEqual([6, 6]);
    policy.forEach(({ groups: part }, i) => {
      expect(value[i]!.groups.map(({ responses }) => responses)).toEqual(part.map(({ responses }) => responses));
    });
  });

  it("refuses to run without a critic", async () => {
    await expect(policyStep(new ScriptedEngine(() => ""), "a", [pair(1)], presets.ppo)).rejects.toThrow(UsageError);
  });
});
