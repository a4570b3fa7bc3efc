/** How token losses of a batch become one number, by the names that the literature's code uses. */
export const aggregations = ["seq-mean-token-mean", "token-mean", "seq-mean-token-sum-norm"] as const;
export type Aggregation = (typeof aggregations)[number];

export interface AggregationOptions {
  /** Tokens that a response may have at most: the constant that "seq-mean-token-sum-norm" divides by. */
  readonly maxResponseLength: number;
  /** Calls of the policy that each response was made in: its tokens count as a mean over them. Default 1 each. */
  readonly calls?: readonly number[];
}

/**
 * Share of each token in the loss of a whole batch; `lengths` are the responses' token counts, and so are the rows of the result.
 * "seq-mean-token-mean": mean over responses of the mean over their tokens (GRPO, Shao et al. 2024, eq. 3). "token-mean": mean over all
 * tokens (DAPO, Yu et al. 2025, eq. 8). "seq-mean-token-sum-norm": token sums over a constant length, mean over responses (Dr. GRPO, Liu et al. 2025).
 * The papers have one call a response; one of many, such as a replayed dialogue, weighs no more for their number under any of the three.
 */
export function tokenWeights(
  lengths: readonly number[],
  aggregation: Aggregation,
  { maxResponseLength, calls = lengths.map(() => 1) }: AggregationOptions,
): number[][] {
  const tokens = lengths.reduce((sum, length, i) => sum + length / calls[i]!, 0);
  return lengths.map((length, i) => {
    const share = {
      "seq-mean-token-mean": 1 / (lengths.length * length),
      "token-mean": 1 / (tokens * calls[i]!),
      "seq-mean-token-sum-norm": 1 / (lengths.length * maxResponseLength * calls[i]!),
    }[aggregation];
    return Array.from({ length }, () => share);
  });
}
