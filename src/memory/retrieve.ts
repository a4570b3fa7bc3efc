import type { RetrievedMemory, Turn } from "../trace/episode.js";
import { byOrder, byRelevance, type MemoryBank, type ScoredMemory } from "./bank.js";

/** Memories per fact that the manager sees: mem0's choice, which Memory-R1 follows. */
export const MANAGER_MEMORIES_PER_FACT = 5;

/** Memories of each speaker that the answerer sees (Memory-R1, section 3.2). */
export const ANSWER_MEMORIES_PER_SPEAKER = 30;

/** Gives memories their turn-local aliases "m1", "m2", … in the given order. */
export function withAliases(memories: readonly ScoredMemory[]): RetrievedMemory[] {
  return memories.map(({ key, value }, index) => ({ alias: `m${index + 1}`, key, ...value }));
}

/**
 * What the manager sees of the bank: for each fact the nearest memories of the turn's speaker, joined, nearest first.
 * Facts are compared within one speaker, as Memory-R1 keeps a bank for each.
 */
export async function retrieveForManager(
  bank: MemoryBank,
  facts: readonly string[],
  turn: Turn,
  perFact: number = MANAGER_MEMORIES_PER_FACT,
): Promise<RetrievedMemory[]> {
  const best = new Map<string, ScoredMemory>();
  for (const fact of facts) {
    for (const memory of await bank.retrieve(fact, { limit: perFact, speaker: turn.speaker })) {
      if ((best.get(memory.key)?.score ?? Number.NEGATIVE_INFINITY) < (memory.score ?? 0)) {
        best.set(memory.key, memory);
      }
    }
  }
  return withAliases([...best.values()].sort(byRelevance));
}

/** How the answerer's memories are chosen. */
export interface AnswerRetrieval {
  /** Memories retrieved of each speaker. Default 30. */
  readonly memoriesPerSpeaker?: number;
  /** Looks only into the memories of speakers whom the question names, where it names any. Default false, as in the paper. */
  readonly namedSpeakersOnly?: boolean;
}

/** What the answerer sees of the bank: for each speaker the memories nearest to the question, listed oldest first. */
export async function retrieveForAnswer(
  bank: MemoryBank,
  question: string,
  speakers: readonly string[],
  { memoriesPerSpeaker = ANSWER_MEMORIES_PER_SPEAKER, namedSpeakersOnly = false }: AnswerRetrieval = {},
): Promise<RetrievedMemory[]> {
  const named = namedSpeakersOnly ? speakers.filter((speaker) => question.includes(speaker)) : [];
  const groups: ScoredMemory[][] = [];
  for (const speaker of named.length === 0 ? speakers : named) {
    groups.push((await bank.retrieve(question, { limit: memoriesPerSpeaker, speaker })).sort(byOrder));
  }
  return withAliases(groups.flat());
}
