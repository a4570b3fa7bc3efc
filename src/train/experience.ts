import type { PolicyOptions } from "./algorithm/policy-options.js";
import { rewardOf } from "./algorithm/reward.js";
import type { Rollout, RolloutGroup, Sample } from "./rollout.js";

/** One response, and the attempt that it was part of. */
export interface Attempted {
  readonly sample: Sample;
  /** Index of the attempt in its group. */
  readonly attempt: number;
}

/** What the attempts at one item earned, with their responses to one and the same prompt together. */
export interface Experience {
  readonly attempts: readonly Rollout[];
  readonly rewards: readonly number[];
  readonly prompts: readonly (readonly Attempted[])[];
}

export function experienceOf({ rollouts }: RolloutGroup, options: PolicyOptions): Experience {
  const prompts = new Map<string, Attempted[]>();
  for (const [attempt, { samples }] of rollouts.entries()) {
    for (const sample of samples) {
      const key = sample.promptIds.join(" ");
      prompts.set(key, [...(prompts.get(key) ?? []), { sample, attempt }]);
    }
  }
  const rewards = rollouts.map((rollout) => rewardOf(rollout, options));
  return { attempts: rollouts, rewards, prompts: [...prompts.values()] };
}
