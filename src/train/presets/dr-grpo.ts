import type { PolicyOptions } from "../algorithm/policy-options.js";
import { grpo } from "./grpo.js";

/**
 * GRPO done right (Liu et al. 2025, "Understanding R1-Zero-like training"): rewards are not divided by their group's deviation, nor responses
 * by their length, and there is no KL.
 *
 * Where it differs from the paper: token sums are divided by the constant `maxResponseLength`, which AdamW takes out again; a rollout of
 * several calls is the mean of their sums, so that it weighs as much as one with a single call.
 */
export const drGrpo: PolicyOptions = {
  ...grpo,
  advantage: "mean",
  aggregation: "seq-mean-token-sum-norm",
  clipHigh: 0.2,
  klCoefficient: 0,
};
