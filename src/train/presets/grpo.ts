import type { PolicyOptions } from "../algorithm/policy-options.js";

/**
 * Group Relative Policy Optimization (DeepSeekMath, Shao et al. 2024).
 *
 * Where it differs from the paper: the reference policy is the base model without adapter throughout; a rollout may hold several calls of the
 * policy, which share its advantage, and weighs as much as one with a single call; groups of equal rewards are left out of the update, since
 * they have no gradient but the KL's. Clip range as in DAPO (Yu et al. 2025), KL as in Memory-R1's peers, learning rate for LoRA: Memory-R1
 * leaves these open.
 */
export const grpo: PolicyOptions = {
  advantage: "mean-std",
  aggregation: "seq-mean-token-mean",
  ratio: "token",
  clipLow: 0.2,
  clipHigh: 0.28,
  klCoefficient: 0.01,
  klEstimator: "k3",
  klPlace: "loss",
  klTarget: null,
  importanceCap: null,
  overlong: { kind: "keep" },
  extraBatches: 0,
  epochs: 1,
  minibatches: 1,
  formatWeight: 0.1,
  maxResponseLength: 128,
  optimizer: { learningRate: 1e-4 },
  critic: null,
};
