import { relativeTo } from "../../store/search/rank-fusion.js";
import type { ScoredMemory } from "./scored-memory.js";

/** What counts of a neighbour's score, by how many turns it is away, before or after. */
const SHARES = [1 / 2, 1 / 4];

/**
 * The bank's memories with scores that what was told around them adds to: a turn that answers a question seldom repeats what the question
 * was about. A score is the memory's own relative one among those that were found, 0 where it was not, and half and a quarter of the best
 * ones of the turns one and two away.
 * @param found by a search of the whole bank, best first.
 */
export function withAdjacent(found: readonly ScoredMemory[], all: readonly ScoredMemory[]): ScoredMemory[] {
  const relative = relativeTo(found.at(-1)?.score ?? 0, found[0]?.score ?? 0);
  const scores = new Map(found.map(({ key, score = 0 }) => [key, relative(score)]));
  const ofTurn = new Map<number, number>();
  for (const { key, value } of all) {
    ofTurn.set(value.order, Math.max(ofTurn.get(value.order) ?? 0, scores.get(key) ?? 0));
  }
  const around = (order: number) =>
    SHARES.reduce(
      (sum, share, i) => sum + share * ((ofTurn.get(order - i - 1) ?? 0) + (ofTurn.get(order + i + 1) ?? 0)),
      0,
    );
  return all.map((memory) => ({ ...memory, score: (scores.get(memory.key) ?? 0) + around(memory.value.order) }));
}
