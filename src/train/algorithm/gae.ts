/** Advantages and returns of one response, per token. */
export interface Estimates {
  readonly advantages: number[];
  /** What the critic should have said: advantage + value. */
  readonly returns: number[];
}

export interface GaeOptions {
  /** Discount of each later token's reward: γ. */
  readonly gamma: number;
  /** 1 trusts the rewards to go, 0 the critic's next value: λ. */
  readonly lambda: number;
}

/**
 * Generalized advantage estimation (Schulman et al. 2016, eq. 16) over one response: A_t = Σ_l (γλ)^l δ_{t+l} with
 * δ_t = r_t + γ V_{t+1} − V_t. The response's end is the end of the episode: the value after its last token is 0.
 */
export function generalizedAdvantages(
  rewards: readonly number[],
  values: readonly number[],
  { gamma, lambda }: GaeOptions,
): Estimates {
  const advantages = rewards.map(() => 0);
  let later = 0;
  for (let t = rewards.length - 1; t >= 0; t--) {
    const delta = rewards[t]! + gamma * (values[t + 1] ?? 0) - values[t]!;
    later = delta + gamma * lambda * later;
    advantages[t] = later;
  }
  return { advantages, returns: advantages.map((advantage, t) => advantage + values[t]!) };
}

/** Variance that counts as none: rewards are of the order of 1, and smaller differences are rounding. Keeps quotients finite. */
const EPSILON = 1e-8;

/** Advantages of a whole batch, without padding, shifted and scaled to mean 0 and (biased) variance 1 over all of its tokens. */
export function whiten(rows: readonly (readonly number[])[]): number[][] {
  const { mean, variance } = moments(rows.flat());
  return rows.map((row) => row.map((value) => (value - mean) / Math.sqrt(variance + EPSILON)));
}

/** 1 − Var(returns − values) / Var(returns): 1 for a perfect critic, 0 for one that knows no more than the mean; 0, too, where returns are equal but for rounding. */
export function explainedVariance(values: readonly number[], returns: readonly number[]): number {
  const { variance } = moments(returns);
  if (variance < EPSILON) return 0;
  return 1 - moments(returns.map((value, i) => value - values[i]!)).variance / variance;
}

function moments(values: readonly number[]): { readonly mean: number; readonly variance: number } {
  const count = Math.max(values.length, 1);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count };
}
