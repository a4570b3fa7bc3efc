import type { MemoryStep, RetrievedMemory } from "../trace/episode.js";

/** Which of the memories that were shown for a question hold its evidence: for each turn of it that any holds, their aliases. */
export type EvidenceHolders = readonly (readonly string[])[];

/**
 * @param turns that hold the answer.
 * @param steps before the question: a memory holds the turns that made or changed it.
 */
export function evidenceHolders(
  retrieved: readonly RetrievedMemory[],
  turns: readonly string[],
  steps: readonly MemoryStep[],
): EvidenceHolders {
  return turns.flatMap((id) => {
    const keys = new Set(
      steps.filter(({ turn }) => turn.id === id).flatMap(({ changes }) => changes.map(({ key }) => key)),
    );
    const holders = retrieved.filter(({ key }) => keys.has(key)).map(({ alias }) => alias);
    return holders.length === 0 ? [] : [holders];
  });
}

/** F1 of the named memories as a choice of those that hold evidence: of those named the share that hold any, of the turns held the share that is named. */
export function namedEvidence(named: readonly string[], holders: EvidenceHolders): number {
  const right = new Set(holders.flat());
  const hits = named.filter((alias) => right.has(alias)).length;
  if (hits === 0) return 0;
  const precision = hits / named.length;
  const recall = holders.filter((aliases) => aliases.some((alias) => named.includes(alias))).length / holders.length;
  return (2 * precision * recall) / (precision + recall);
}
