/** Level of the probability ratio: per token, or per response (geometric mean, GSPO). */
export const ratioLevels = ["token", "sequence"] as const;
export type RatioLevel = (typeof ratioLevels)[number];

/** Estimators of KL(π ‖ π_ref) from samples: −d, d²/2 and exp(d) − d − 1, with d = log π_ref − log π. */
export const klEstimators = ["k1", "k2", "k3"] as const;
export type KlEstimator = (typeof klEstimators)[number];

/** Selects the policy loss that is compiled. */
export interface PolicyForm {
  readonly ratio: RatioLevel;
  readonly kl: KlEstimator;
}

/** GRPO's: a ratio for each token, and k3. */
export const defaultForm: PolicyForm = { ratio: "token", kl: "k3" };
