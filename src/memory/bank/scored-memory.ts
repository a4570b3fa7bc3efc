import { byCodeUnits } from "../../by-code-units.js";
import { type MemoryValue, memoryValueSchema, type RetrievedMemory } from "../../trace/episode.js";
import { originOf } from "./step-keys.js";

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

/** Oldest first; memories of one turn as they were told, so that the order is the same in every store and every run. */
export function byOrder(a: ScoredMemory, b: ScoredMemory): number {
  return a.value.order - b.value.order || withinTurn(a, b);
}

/** Nearest first, then newest first, so that a replay over another store ranks alike. */
export function byRelevance(a: ScoredMemory, b: ScoredMemory): number {
  return rank(b) - rank(a) || b.value.order - a.value.order || withinTurn(a, b);
}

/**
 * By place in the step that added them, then by text in code units. Keys are random but for that place, so they decide only between memories
 * that a prompt shows alike.
 */
function withinTurn(a: ScoredMemory, b: ScoredMemory): number {
  return placeInStep(a) - placeInStep(b) || byCodeUnits(a.value.text, b.value.text) || byCodeUnits(a.key, b.key);
}

const placeInStep = ({ key }: ScoredMemory): number => originOf(key)?.place ?? 0;

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
