import type { OperationEvent } from "../memory/operation.js";
import type { RolloutGroup } from "./rollout.js";

/** What one training step saw. Names are the literature's. */
export interface StepMetrics {
  readonly reward: number;
  /** The answers' part of the reward; the rest is format. */
  readonly outcome: number;
  readonly unparsable: number;
  readonly truncated: number;
  /** Mean −log π of the sampled tokens: an unbiased estimate of the policy's entropy, nats per token. */
  readonly entropy: number;
  readonly responseLength: number;
  readonly operations: Readonly<Partial<Record<OperationEvent, number>>>;
  /** Groups whose rewards were all equal: they teach nothing. */
  readonly droppedGroups: number;
  readonly groups: number;
  readonly kl: number;
  readonly approxKl: number;
  readonly clipFraction: number;
  readonly loss: number;
  readonly gradientNorm: number;
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Metrics of the rollouts alone; those of the update are 0 until there was one. */
export function summarise(
  groups: readonly RolloutGroup[],
  rewards: readonly number[],
  { droppedGroups }: { readonly droppedGroups: number },
): StepMetrics {
  const rollouts = groups.flatMap((group) => group.rollouts);
  const samples = rollouts.flatMap((rollout) => rollout.samples);
  const operations: Partial<Record<OperationEvent, number>> = {};
  for (const rollout of rollouts) {
    for (const [event, count] of Object.entries(rollout.operations) as [OperationEvent, number][]) {
      operations[event] = (operations[event] ?? 0) + count;
    }
  }
  return {
    reward: mean(rewards),
    outcome: mean(rollouts.map(({ outcome }) => outcome)),
    unparsable: 1 - mean(rollouts.map(({ format }) => format)),
    truncated: mean(samples.map(({ truncated }) => Number(truncated))),
    entropy: -mean(samples.flatMap(({ logprobs }) => logprobs)),
    responseLength: mean(samples.map(({ responseIds }) => responseIds.length)),
    operations,
    droppedGroups,
    groups: groups.length,
    kl: 0,
    approxKl: 0,
    clipFraction: 0,
    loss: 0,
    gradientNorm: 0,
  };
}
