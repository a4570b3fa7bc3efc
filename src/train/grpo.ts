import type { PolicyEngine, PolicyGroup } from "../model/engine.js";
import type { AdamWOptions } from "./adamw.js";
import { type AdvantageKind, groupAdvantages } from "./advantage.js";
import { type Aggregation, tokenWeights } from "./aggregation.js";
import { mean, type StepMetrics, summarise } from "./metrics.js";
import type { Rollout, RolloutGroup } from "./rollout.js";

/**
 * Group Relative Policy Optimization (DeepSeekMath, Shao et al. 2024) on the rollouts of one step.
 *
 * Where it differs from the paper: the reference policy is the base model without adapter throughout; a rollout may hold several calls of the
 * policy, which share its advantage, and weighs as much as one with a single call; groups of equal rewards are left out of the update, since
 * they have no gradient but the KL's.
 */
export interface GrpoOptions {
  readonly advantage: AdvantageKind;
  readonly aggregation: Aggregation;
  readonly clipLow: number;
  readonly clipHigh: number;
  /** Weight of the k3 KL to the base model. */
  readonly klCoefficient: number;
  /** Passes over each step's rollouts. */
  readonly epochs: number;
  /** Share of the reward that text which can be read earns by itself; small, or it swamps the outcome. */
  readonly formatWeight: number;
  readonly maxResponseLength: number;
  readonly optimizer: Partial<AdamWOptions> & { readonly learningRate: number };
}

/** Clip range as in DAPO (Yu et al. 2025), KL as in Memory-R1's peers; learning rate for LoRA. The paper leaves these open. */
export const grpoDefaults: GrpoOptions = {
  advantage: "mean-std",
  aggregation: "seq-mean-token-mean",
  clipLow: 0.2,
  clipHigh: 0.28,
  klCoefficient: 0.01,
  epochs: 1,
  formatWeight: 0.1,
  maxResponseLength: 128,
  optimizer: { learningRate: 1e-4 },
};

export const rewardOf = ({ outcome, format }: Rollout, formatWeight: number): number =>
  (1 - formatWeight) * outcome + formatWeight * format;

export async function grpoStep(
  engine: PolicyEngine,
  adapter: string,
  groups: readonly RolloutGroup[],
  options: GrpoOptions,
): Promise<StepMetrics> {
  const rewards = groups.map(({ rollouts }) => rollouts.map((rollout) => rewardOf(rollout, options.formatWeight)));
  const kept = groups.flatMap((group, g) => {
    const advantages = groupAdvantages(rewards[g]!, options.advantage);
    return advantages.some((advantage) => advantage !== 0) ? [{ group, advantages }] : [];
  });
  const base = summarise(groups, rewards.flat(), { droppedGroups: groups.length - kept.length });
  if (kept.length === 0) return base;
  const batch = await policyGroups(engine, kept, options);
  let result = { loss: 0, gradientNorm: 0, logprobs: [] as number[][][] };
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const { clipLow, clipHigh, klCoefficient, optimizer } = options;
    result = await engine.update(adapter, {
      objective: "policy",
      groups: batch,
      clipLow,
      clipHigh,
      klCoefficient,
      optimizer,
    });
  }
  return {
    ...base,
    ...policyMetrics(batch, result.logprobs, options),
    loss: result.loss,
    gradientNorm: result.gradientNorm,
  };
}

interface Kept {
  readonly group: RolloutGroup;
  readonly advantages: readonly number[];
}

/** Tokens, weights and both log-probabilities, with responses to one and the same prompt as one group. */
async function policyGroups(engine: PolicyEngine, kept: readonly Kept[], options: GrpoOptions): Promise<PolicyGroup[]> {
  const rollouts = kept.flatMap(({ group }) => group.rollouts);
  const lengths = rollouts.map(({ samples }) => samples.reduce((sum, { responseIds }) => sum + responseIds.length, 0));
  const weights = new Map(
    tokenWeights(lengths, options.aggregation, options).map((row, i) => [rollouts[i]!, row[0] ?? 0]),
  );
  const groups = kept.flatMap(({ group, advantages }) => {
    const samples = group.rollouts.flatMap((rollout, i) =>
      rollout.samples.map((sample) => ({ ...sample, advantage: advantages[i]!, weight: weights.get(rollout)! })),
    );
    return [...byPrompt(samples).values()];
  });
  const scored = groups.map((samples) => ({
    promptIds: samples[0]!.promptIds,
    responses: samples.map(({ responseIds }) => responseIds),
  }));
  const reference = options.klCoefficient === 0 ? undefined : await engine.logprobs(scored);
  return groups.map((samples, g) => ({
    ...scored[g]!,
    weights: samples.map(({ responseIds, weight }) => responseIds.map(() => weight)),
    advantages: samples.map(({ responseIds, advantage }) => responseIds.map(() => advantage)),
    oldLogprobs: samples.map(({ logprobs }) => logprobs),
    referenceLogprobs: reference?.[g]?.logprobs ?? samples.map(({ logprobs }) => logprobs),
  }));
}

function byPrompt<T extends { readonly promptIds: readonly number[] }>(samples: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const sample of samples) {
    const key = sample.promptIds.join(" ");
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return groups;
}

/** KL to the base by k3, share of clipped tokens, and the change that this step's earlier epochs made. */
function policyMetrics(
  groups: readonly PolicyGroup[],
  logprobs: readonly (readonly number[][])[],
  { clipLow, clipHigh }: GrpoOptions,
) {
  const tokens = groups.flatMap((group, g) =>
    group.responses.flatMap((ids, r) =>
      ids.map((_, t) => ({
        now: logprobs[g]![r]![t]!,
        old: group.oldLogprobs[r]![t]!,
        reference: group.referenceLogprobs[r]![t]!,
        advantage: group.advantages[r]![t]!,
      })),
    ),
  );
  const k3 = (logRatio: number) => Math.exp(logRatio) - logRatio - 1;
  return {
    kl: mean(tokens.map(({ now, reference }) => k3(reference - now))),
    approxKl: mean(tokens.map(({ now, old }) => k3(now - old))),
    clipFraction: mean(
      tokens.map(({ now, old, advantage }) => {
        const ratio = Math.exp(now - old);
        return Number(advantage > 0 ? ratio > 1 + clipHigh : ratio < 1 - clipLow);
      }),
    ),
  };
}
