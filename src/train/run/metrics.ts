import { mean } from "../../mean.js";
import { addCounts, type OperationCounts } from "../../memory/bank/operation-counts.js";
import { type RewardOptions, rewardOf } from "../algorithm/reward.js";
import type { RolloutGroup } from "../rollout.js";
import type { Alarm } from "./alarm.js";

/** Metrics of one training step, named as in the literature. */
export interface StepMetrics extends PolicyMetrics, Partial<ValueMetrics> {
  /** The critic's clipped squared error: as `loss`; only with a critic. */
  readonly valueLoss?: number;
  /** As `gradientNorm`, of the critic. */
  readonly criticGradientNorm?: number;
  /** Mean over all attempts. */
  readonly reward: number;
  /** Mean quality of the answers, before it is weighted against the format. */
  readonly outcome: number;
  /** Part of the mean reward that was paid for parsable text, whatever it says. */
  readonly formatReward: number;
  /** Part of the mean reward that was paid as credit of single operations; only if they are credited. */
  readonly creditReward?: number;
  /** Part of the mean reward that was paid for naming the memories that hold the evidence; only if that is rewarded. */
  readonly evidenceReward?: number;
  /** Share of the calls whose text could not be read, in [0, 1]: the mean over attempts of each one's share. */
  readonly unparsable: number;
  /** Share of the responses that the length limit cut, in [0, 1]. */
  readonly truncated: number;
  /**
   * Mean −log π of the sampled tokens, nats per token: at sampling temperature 1 an unbiased estimate of the policy's entropy, else of its
   * cross-entropy under the sampler.
   */
  readonly entropy: number;
  /** Mean over responses, in tokens, with the end token. */
  readonly responseLength: number;
  /** How often the attempts chose each operation. */
  readonly operations: OperationCounts;
  /** Groups from which nothing was learned: without a critic or a KL in the reward, those whose rewards were all equal. */
  readonly droppedGroups: number;
  /** All groups that were attempted, dropped ones too. */
  readonly groups: number;
  /** Policy calls whose responses could be learned from, and how many of them were cut by the length limit or unparsable. */
  readonly responses: number;
  readonly truncatedResponses: number;
  readonly unparsableResponses: number;
  /** Calls that were skipped because their prompt left no room for a response: nothing was decided there, or no answer given. */
  readonly skippedCalls: number;
  /** Responses that the length limit cut and that therefore have no weight; only where such are filtered. */
  readonly filtered?: number;
  /** Batches that dynamic sampling added; only where it is on. */
  readonly extraBatches?: number;
  /** Mean weight of truncated importance sampling; only where it is on. */
  readonly importanceWeight?: number;
  /** KL in nats per response by k1, before the step, and its weight; only if the KL is in the reward or its coefficient adapts. */
  readonly sequenceKl?: number;
  readonly klCoefficient?: number;
  /**
   * Loss of the policy, with its KL if that is in the loss: mean over the optimizer steps of the last pass, before each;
   * 0 where there was none.
   */
  readonly loss: number;
  /** L2 norm of the policy's whole gradient before clipping: mean over the same optimizer steps. */
  readonly gradientNorm: number;
  /** Alarms that started at this step; only if one did. */
  readonly alarms?: readonly Alarm[];
}

/** Metrics of the policy's last pass. */
export interface PolicyMetrics {
  /** KL to the reference policy, the base model: mean over tokens, in nats per token, by k3. */
  readonly kl: number;
  /** KL from the policy that sampled the responses: mean over tokens, in nats per token, by k3. */
  readonly approxKl: number;
  /** Share of the tokens whose ratio lies beyond the clip on the side where their advantage pushes, in [0, 1]. */
  readonly clipFraction: number;
  /** The largest ratio ρ or 1/ρ of the policy's to the rollout's probability. */
  readonly maxRatio: number;
}

/** Metrics of PPO's critic. */
export interface ValueMetrics {
  /**
   * Share of the returns' variance that the values explained when the responses were sampled: 1 is all of it, below 0 is
   * worse than the mean return.
   */
  readonly explainedVariance: number;
  /** Share of the values that moved farther than the clip from the old ones, in [0, 1]. */
  readonly valueClipFraction: number;
}

/** Metrics of the rollouts alone; those of the update are 0 until there was one. */
export function summarise(groups: readonly RolloutGroup[], options: RewardOptions, droppedGroups: number): StepMetrics {
  const rollouts = groups.flatMap((group) => group.rollouts);
  const samples = rollouts.flatMap((rollout) => rollout.samples);
  const truncatedResponses = samples.filter(({ truncated }) => truncated).length;
  return {
    reward: mean(rollouts.map((rollout) => rewardOf(rollout, options))),
    outcome: mean(rollouts.map(({ outcome }) => outcome)),
    formatReward: options.formatWeight * mean(rollouts.map(({ format }) => format)),
    ...(rollouts.some(({ credit }) => credit !== undefined)
      ? { creditReward: mean(rollouts.map(({ credit = 0 }) => credit)) }
      : {}),
    ...(rollouts.some(({ evidence }) => evidence !== undefined)
      ? { evidenceReward: mean(rollouts.map(({ evidence = 0 }) => evidence)) }
      : {}),
    unparsable: 1 - mean(rollouts.map(({ format }) => format)),
    truncated: truncatedResponses / Math.max(samples.length, 1),
    entropy: -mean(samples.flatMap(({ logprobs }) => logprobs)),
    responseLength: mean(samples.map(({ responseIds }) => responseIds.length)),
    operations: addCounts(rollouts.map(({ operations }) => operations)),
    droppedGroups,
    groups: groups.length,
    responses: samples.length,
    truncatedResponses,
    // A rollout knows the share of its calls.
    unparsableResponses: rollouts.reduce(
      (sum, { format, samples: own }) => sum + Math.round((1 - format) * own.length),
      0,
    ),
    skippedCalls: rollouts.reduce((sum, { skippedCalls = 0 }) => sum + skippedCalls, 0),
    ...(options.overlong.kind === "filter" ? { filtered: truncatedResponses } : {}),
    kl: 0,
    approxKl: 0,
    clipFraction: 0,
    maxRatio: 1,
    loss: 0,
    gradientNorm: 0,
  };
}
