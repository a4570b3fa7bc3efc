import type { PolicyOptions } from "../algorithm/policy-options.js";
import { grpo } from "./grpo.js";

/**
 * Proximal Policy Optimization (Schulman et al. 2017) as it is used for language models (Ziegler et al. 2019, Ouyang et al. 2022): the reward
 * comes with the last token, a KL to the reference with each, and a critic's values make advantages of them by GAE.
 *
 * Where it differs from the papers: the critic is a second adapter with a head on the same frozen base, and learns ten times as fast as the
 * policy (Memory-R1's ratio); each call of a rollout is an episode of its own, which ends with the rollout's reward; γ and λ are 1, as the
 * reward comes at the end of a short response. Memory-R1 leaves clip ranges, passes and the KL open: these are the papers' or GRPO's here.
 */
export const ppo: PolicyOptions = {
  ...grpo,
  aggregation: "token-mean",
  clipLow: 0.2,
  clipHigh: 0.2,
  klEstimator: "k1",
  klPlace: "reward",
  epochs: 2,
  minibatches: 2,
  critic: { gamma: 1, lambda: 1, valueClip: 0.2, whitening: true, optimizer: { learningRate: 1e-3 } },
};
