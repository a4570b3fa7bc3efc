import { describe, expect, it } from "vitest";
import { counts, lengthReward, overlongPunishment } from "../../../src/train/algorithm/overlong.js";
import { rewardOf } from "../../../src/train/algorithm/reward.js";
import { grpo } from "../../../src/train/presets/grpo.js";
import type { Rollout, Sample } from "../../../src/train/rollout.js";

const sample = (length: number, truncated = false): Sample => ({
  promptIds: [1],
  responseIds: new Array<number>(length).fill(5),
  logprobs: new Array<number>(length).fill(-1),
  truncated,
});
const rollout = (...samples: Sample[]): Rollout => ({ samples, outcome: 1, format: 1, operations: {} });

describe("the soft overlong punishment", () => {
  it("is 0 up to the limit less the buffer, falls linearly to −1, and is −1 for what was cut", () => {
    const at = (length: number, truncated = false) => overlongPunishment(sample(length, truncated), 4, 20);
    expect([1, 16, 17, 18, 20].map((length) => at(length))).toEqual([0, 0, -0.25, -0.5, -1]);
    expect(at(20, true)).toBe(-1);
  });

  it("is part of the reward, and of a rollout the mean over its calls", () => {
    const overlong = { kind: "punish", share: 0.2 } as const;
    expect(lengthReward(rollout(sample(18), sample(1)), overlong, 20)).toBe(-0.25);
    expect(rewardOf(rollout(sample(20, true)), { ...grpo, overlong, maxResponseLength: 20 })).toBe(0);
    expect(rewardOf(rollout(sample(20, true)), { ...grpo, maxResponseLength: 20 })).toBe(1);
  });
});

describe("the overlong filter", () => {
  it("leaves out what was cut, and only that", () => {
    expect(counts(sample(20, true), { kind: "filter" })).toBe(false);
    expect(counts(sample(20), { kind: "filter" })).toBe(true);
    expect(counts(sample(20, true), { kind: "keep" })).toBe(true);
    expect(lengthReward(rollout(sample(20, true)), { kind: "filter" }, 20)).toBe(0);
  });
});
