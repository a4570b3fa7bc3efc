import type { MemoryStepPayload, RetrievedMemory } from "./episode.js";

/** Which of the memories that were shown for a question hold its evidence: for each turn of it that any holds, their aliases. */
export type EvidenceHolders = readonly (readonly string[])[];

/**
 * A memory names only the turn that changed it last, so that its history is taken from the steps before the question: it holds the turns that
 * made or changed it.
 * @param turns that hold the answer, each once.
 */
export function evidenceHolders(
  retrieved: readonly RetrievedMemory[],
  turns: readonly string[],
  steps: readonly Pick<MemoryStepPayload, "turn" | "changes">[],
): EvidenceHolders {
  return turns.flatMap((id) => {
    const changes = steps.filter(({ turn }) => turn.id === id).flatMap((step) => step.changes);
    const keys = new Set(changes.map(({ key }) => key));
    const holders = retrieved.filter(({ key }) => keys.has(key)).map(({ alias }) => alias);
    return holders.length === 0 ? [] : [holders];
  });
}
