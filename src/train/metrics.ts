import { mean } from "../mean.js";
import { addCounts, type OperationCounts } from "../memory/operation-counts.js";
import type { Alarm } from "./alarm.js";
import { type RewardOptions, rewardOf } from "./reward.js";
import type { RolloutGroup } from "./rollout.js";

/** What one training step saw. Names are the literature's. */
export interface StepMetrics extends PolicyMetrics, Partial<ValueMetrics> {
  readonly valueLoss?: number;
  readonly criticGradientNorm?: number;
  readonly reward: number;
  /** Mean quality of the answers, before it is weighed against form. */
  readonly outcome: number;
  /** What of the mean reward was paid for text that can be read, whatever it says. */
  readonly formatReward: number;
  /** What of the mean reward was paid as credit of single operations; only where they are credited. */
  readonly creditReward?: number;
  /** What of it was paid for naming the memories that hold the evidence; only where that is rewarded. */
  readonly evidenceReward?: number;
  readonly unparsable: number;
  readonly truncated: number;
  /**
   * Mean −log π of the sampled tokens, nats per token: at sampling temperature 1 an unbiased estimate of the policy's entropy, else of its
   * cross-entropy under the sampler.
   */
  readonly entropy: number;
  readonly responseLength: number;
  readonly operations: OperationCounts;
  /** Groups whose rewards were all equal: they teach nothing. */
  readonly droppedGroups: number;
  readonly groups: number;
  /** Calls of the policy whose responses could be learned from, and how many of them the length limit cut or nothing could read. */
  readonly responses: number;
  readonly truncatedResponses: number;
  readonly unparsableResponses: number;
  /** Calls that were not made, since their prompt left no room for a response: nothing was decided there, or no answer given. */
  readonly skippedCalls: number;
  /** Responses that the length limit cut and that therefore have no weight; only where such are filtered. */
  readonly filtered?: number;
  /** Batches that dynamic sampling added; only where it is on. */
  readonly extraBatches?: number;
  /** Mean weight of truncated importance sampling; only where it is on. */
  readonly importanceWeight?: number;
  /** Nats per response by k1, before the step, and the weight that they had; only where the KL is in the reward or steered. */
  readonly sequenceKl?: number;
  readonly klCoefficient?: number;
  readonly loss: number;
  readonly gradientNorm: number;
  /** Those that began to sound at this step; only where one did. */
  readonly alarms?: readonly Alarm[];
}

/** Of the policy's last pass. */
export interface PolicyMetrics {
  readonly kl: number;
  readonly approxKl: number;
  readonly clipFraction: number;
  /** The largest ratio ρ or 1/ρ of the policy's to the rollout's probability. */
  readonly maxRatio: number;
}

/** Of PPO's critic. */
export interface ValueMetrics {
  readonly explainedVariance: number;
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
