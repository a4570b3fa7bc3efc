/** Of the reciprocal-rank fusion (Cormack et al. 2009, "Reciprocal Rank Fusion outperforms Condorcet"). */
const FUSION_CONSTANT = 60;

/** A thing that was ranked, with its score in that ranking: higher is better. */
export interface Scored {
  readonly id: string;
  readonly score: number;
}

/** Scores that differ by no more share a rank: stores compute them in different precision, and list equal ones in different orders. */
const SAME_SCORE = 1e-5;

/**
 * Fuses rankings of the same things, each best first, by the sum of 1 / (60 + rank): best first, equal ones in the order
 * of the first ranking that has them. Of one ranking, things with the same score have the same rank.
 */
export function fuse(rankings: readonly (readonly Scored[])[]): Scored[] {
  const fused = new Map<string, number>();
  for (const ranking of rankings) {
    let first = 0;
    for (const [at, { id, score }] of ranking.entries()) {
      if (ranking[first]!.score - score > SAME_SCORE) first = at;
      fused.set(id, (fused.get(id) ?? 0) + 1 / (FUSION_CONSTANT + first + 1));
    }
  }
  return [...fused].map(([id, score]) => ({ id, score })).sort((left, right) => right.score - left.score);
}
