import type { PolicyOptions } from "../algorithm/policy-options.js";
import { grpo } from "./grpo.js";

/**
 * Decoupled Clip and Dynamic Sampling Policy Optimization (Yu et al. 2025): a wider clip upwards, groups without variance replaced, one mean
 * over all tokens, soft overlong punishment, no KL.
 *
 * Where it differs from the paper: sampling gives up after `extraBatches` and learns from what there is; the buffer of the punishment is a
 * fifth of the longest response as there (4096 of 20480 tokens); one optimizer step per rollout instead of sixteen; the tokens of a rollout of
 * several calls count as the mean over these.
 */
export const dapo: PolicyOptions = {
  ...grpo,
  aggregation: "token-mean",
  clipLow: 0.2,
  clipHigh: 0.28,
  klCoefficient: 0,
  overlong: { kind: "punish", share: 0.2 },
  extraBatches: 3,
};
