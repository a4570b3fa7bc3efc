import { type MemoryValue, memoryValueSchema, type RetrievedMemory } from "../trace/episode.js";

export interface ScoredMemory {
  readonly key: string;
  readonly value: MemoryValue;
  /** Similarity to the query, higher is nearer; absent where the store does not rank. */
  readonly score?: number;
  /** Its namespace, if that is a shared one. */
  readonly namespace?: readonly string[];
}

/** Scores that agree to this many parts of one count as equal: stores compute them in different precision. */
const SCORE_STEPS = 1e5;

/** Oldest first; the key decides between memories of one turn, so that the order is the same in every store. */
export function byOrder(a: ScoredMemory, b: ScoredMemory): number {
  return a.value.order - b.value.order || (a.key < b.key ? -1 : 1);
}

/** Nearest first, then newest first, so that a replay over another store ranks alike. */
export function byRelevance(a: ScoredMemory, b: ScoredMemory): number {
  return rank(b) - rank(a) || b.value.order - a.value.order || (a.key < b.key ? -1 : 1);
}

function rank({ score = 0 }: ScoredMemory): number {
  return Math.round(score * SCORE_STEPS);
}

/** The memory without its alias and key. */
export function memoryValue({ text, speaker, time, source, order, said }: RetrievedMemory): MemoryValue {
  return { text, speaker, time, source, order, ...(said === undefined ? {} : { said }) };
}

/** Every field of a memory, so that one that is added to the schema is compared too. */
const FIELDS = memoryValueSchema.keyof().options;

/** Whether both are the same memory in all fields, or none: what stands beside the fields, and in which order, makes no difference. */
export function sameMemory(a: MemoryValue | null, b: MemoryValue | null): boolean {
  if (a === null || b === null) return a === b;
  return FIELDS.every((field) => a[field] === b[field]);
}
