import type { MemoryStepPayload, Question, RetrievedMemory } from "../trace/episode.js";
import { evidenceHolders } from "../trace/evidence-holders.js";

/** Share of a question's evidence turns that made or changed one of the memories retrieved for it; null without evidence. */
export function evidenceRecall(
  { question, retrieved }: { readonly question: Question; readonly retrieved: readonly RetrievedMemory[] },
  steps: readonly Pick<MemoryStepPayload, "turn" | "changes">[],
): number | null {
  const wanted = [...new Set(question.evidence ?? [])];
  return wanted.length === 0 ? null : evidenceHolders(retrieved, wanted, steps).length / wanted.length;
}
