/** A thing that was ranked, with its score in that ranking: higher is better. */
export interface Scored {
  readonly id: string;
  readonly score: number;
}

/** Things by score, best first. */
export interface Ranking {
  readonly scored: readonly Scored[];
  /** Score that counts as nothing: of what the ranking finds no likeness in. */
  readonly floor: number;
}

/** Sums that agree to this many parts of one are equal: stores compute scores in different precision. */
const STEPS = 1e5;

/**
 * Fuses rankings of the same things by the sum of their relative scores, each from 0 at its ranking's floor to 1 at its best: best first, equal
 * ones in the order of the first ranking that has them. Bruch et al. 2023, "An Analysis of Fusion Functions for Hybrid Retrieval", find it ahead
 * of reciprocal ranks, which forget by how much one thing is better than the next.
 */
export function fuse(rankings: readonly Ranking[]): Scored[] {
  const fused = new Map<string, number>();
  for (const { scored, floor } of rankings) {
    const relative = relativeTo(floor, scored[0]?.score ?? floor);
    for (const { id, score } of scored) fused.set(id, (fused.get(id) ?? 0) + relative(score));
  }
  return [...fused]
    .map(([id, sum]) => ({ id, score: Math.round(sum * STEPS) / STEPS }))
    .sort((left, right) => right.score - left.score);
}

/** A score's place between a ranking's floor, 0, and its best, 1; 1 for all where these are one. */
export function relativeTo(floor: number, best: number): (score: number) => number {
  const range = best - floor;
  return (score) => (range <= 0 ? 1 : Math.max(0, (score - floor) / range));
}
