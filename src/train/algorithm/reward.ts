import type { Rollout, RolloutGroup } from "../rollout.js";
import { lengthReward } from "./overlong.js";
import type { PolicyOptions } from "./policy-options.js";

export type RewardOptions = Pick<PolicyOptions, "formatWeight" | "overlong" | "maxResponseLength">;

/** Outcome and form in their shares, and what its length, the credit of its operations and the evidence that it names add. */
export function rewardOf(rollout: Rollout, { formatWeight, overlong, maxResponseLength }: RewardOptions): number {
  const { outcome, format, credit = 0, evidence = 0 } = rollout;
  const answered = (1 - formatWeight) * outcome + formatWeight * format;
  return answered + lengthReward(rollout, overlong, maxResponseLength) + credit + evidence;
}

/** Whether a group's rewards differ: without a critic, equal ones teach nothing. */
export function varies({ rollouts }: RolloutGroup, options: RewardOptions): boolean {
  const rewards = rollouts.map((rollout) => rewardOf(rollout, options));
  return rewards.some((reward) => reward !== rewards[0]);
}
