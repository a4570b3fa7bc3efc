/**
 * Weights of truncated importance sampling, one a token: min(π_scored / π_recorded, cap). They correct for a sampler whose numbers differ from
 * the trainer's (Yao et al. 2025, "Your efficient RL framework secretly brings you off-policy RL training"; the cap is Espeholt et al. 2018's).
 */
export function truncatedImportance(scored: readonly number[], recorded: readonly number[], cap: number): number[] {
  return scored.map((logprob, t) => Math.min(Math.exp(logprob - recorded[t]!), cap));
}
