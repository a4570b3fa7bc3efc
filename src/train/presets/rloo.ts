import type { PolicyOptions } from "../algorithm/policy-options.js";
import { grpo } from "./grpo.js";

/**
 * REINFORCE Leave-One-Out (Ahmadian et al. 2024, "Back to basics"): the baseline of a response is the mean reward of the others, the KL is
 * taken from the reward, and nothing is clipped.
 *
 * Where it differs from the paper: gradients carry the ratio to the sampler's probabilities, which is 1 in the only pass; token sums are
 * divided by the constant `maxResponseLength`, which AdamW takes out again; the KL and the sum of a rollout of several calls are the means
 * of theirs; β is GRPO's.
 */
export const rloo: PolicyOptions = {
  ...grpo,
  advantage: "leave-one-out",
  aggregation: "seq-mean-token-sum-norm",
  clipLow: 1,
  clipHigh: Number.POSITIVE_INFINITY,
  klEstimator: "k1",
  klPlace: "reward",
};
