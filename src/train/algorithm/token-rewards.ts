import type { KlEstimator } from "../../model/graph/policy-form.js";
import { klEstimate } from "./kl.js";

export interface TokenRewardOptions {
  /** What the whole response earned: it is the last token's. */
  readonly outcome: number;
  readonly klCoefficient: number;
  readonly klEstimator: KlEstimator;
}

/** Rewards of one response's tokens: the outcome at the end, minus β · KL to the reference at each (Ouyang et al. 2022, eq. 2). */
export function tokenRewards(
  logprobs: readonly number[],
  reference: readonly number[],
  { outcome, klCoefficient, klEstimator }: TokenRewardOptions,
): number[] {
  return logprobs.map((logprob, t) => {
    const penalty = klCoefficient * klEstimate[klEstimator](logprob, reference[t]!);
    return (t === logprobs.length - 1 ? outcome : 0) - penalty;
  });
}
