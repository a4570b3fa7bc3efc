import type { Dialogue } from "../../evaluate/dialogue.js";
import type { AnswerLine, StepLine } from "../../evaluate/evaluation-log.js";
import { withAliases } from "../../memory/bank/retrieve.js";
import type { MemoryValue, Question, RetrievedMemory } from "../../trace/episode.js";

/** A memory of an answerer's prompt. */
export interface ShownMemory extends RetrievedMemory {
  /** Whether a turn that holds the answer made or changed it. */
  readonly ofEvidence: boolean;
}

/** What an answerer was shown, as the memories stood when it was asked. Null where the decisions that made them are missing. */
export function shownMemories(
  { turns }: Dialogue,
  { after, evidence = [] }: Question,
  stepOf: (turn: string) => StepLine | undefined,
  { shown }: AnswerLine,
): readonly ShownMemory[] | null {
  const bank = new Map<string, MemoryValue | null>();
  const end = after === undefined ? turns.length : turns.findIndex(({ id }) => id === after) + 1;
  const ofEvidence = new Set<string>();
  for (const { id } of turns.slice(0, end)) {
    for (const change of stepOf(id)?.changes ?? []) {
      bank.set(change.key, change.after);
      if (evidence.includes(id)) ofEvidence.add(change.key);
    }
  }
  const memories = shown.flatMap((key) => {
    const value = bank.get(key) ?? null;
    return value === null ? [] : [{ key, value }];
  });
  if (memories.length < shown.length) return null;
  return withAliases(memories).map((memory) => ({ ...memory, ofEvidence: ofEvidence.has(memory.key) }));
}
