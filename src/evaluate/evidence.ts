import type { MemoryStepPayload, Question, RetrievedMemory } from "../trace/episode.js";

/**
 * Share of a question's evidence turns that made or changed one of the memories retrieved for it; null without evidence.
 * A memory names only the turn that changed it last, so that its history is taken from the steps before the question.
 */
export function evidenceRecall(
  { question, retrieved }: { readonly question: Question; readonly retrieved: readonly RetrievedMemory[] },
  steps: readonly Pick<MemoryStepPayload, "turn" | "changes">[],
): number | null {
  const wanted = new Set(question.evidence ?? []);
  if (wanted.size === 0) return null;
  const keys = new Set(retrieved.map(({ key }) => key));
  const sources = new Set<string>();
  for (const { turn, changes } of steps) {
    if (changes.some(({ key }) => keys.has(key))) sources.add(turn.id);
  }
  return [...wanted].filter((id) => sources.has(id)).length / wanted.size;
}
