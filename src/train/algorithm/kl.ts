import type { KlEstimator } from "../../model/graph/policy-form.js";

/** Estimates of KL(π ‖ π_ref) by one token that π sampled (Schulman 2020, "Approximating KL divergence"); the same ones as in the policy's graph. */
export const klEstimate: { readonly [K in KlEstimator]: (logprob: number, reference: number) => number } = {
  k1: (logprob, reference) => logprob - reference,
  k2: (logprob, reference) => (logprob - reference) ** 2 / 2,
  k3: (logprob, reference) => Math.exp(reference - logprob) - (reference - logprob) - 1,
};

/** How fast the coefficient follows (Ziegler et al. 2019, K_β). */
const GAIN = 0.1;
/** Largest relative error that it acts on. */
const LARGEST_ERROR = 0.2;

/**
 * The KL coefficient of the next step, raised where a response's KL was above the target and lowered where it was below (Ziegler et al. 2019,
 * section 2.2): β (1 + 0.1 · clip(KL / target − 1, ±0.2)). Both in nats per response.
 */
export function adaptedKlCoefficient(coefficient: number, kl: number, target: number): number {
  const error = Math.min(Math.max(kl / target - 1, -LARGEST_ERROR), LARGEST_ERROR);
  return coefficient * (1 + GAIN * error);
}
