import type { Embeddings } from "@langchain/core/embeddings";
import { cosineSimilarity } from "../../store/search/vectors.js";
import { stemOf, writtenWords } from "../../store/search/words.js";
import type { ScoredMemory } from "./scored-memory.js";

/** Two memories of one speaker that a person should review, the older one first. */
export interface AuditFinding {
  readonly kind: "near-duplicate" | "contradiction";
  readonly older: ScoredMemory;
  readonly newer: ScoredMemory;
  /** Cosine similarity of the two texts. */
  readonly similarity: number;
  /** Why the pair was found: words as they appear in the texts. */
  readonly evidence: {
    readonly shared: readonly string[];
    readonly onlyOlder: readonly string[];
    readonly onlyNewer: readonly string[];
    /** Words with which one of the two negates or ends something. */
    readonly denials: readonly string[];
  };
}

export interface AuditOptions {
  readonly embeddings: Embeddings;
  /** Minimum similarity of near-duplicates. Default 0.9. */
  readonly duplicate?: number;
  /** Minimum similarity of memories that may contradict each other. Default 0.5. */
  readonly related?: number;
}

interface Analysed {
  readonly memory: ScoredMemory;
  readonly vector: readonly number[];
  /** Stem → word. */
  readonly words: ReadonlyMap<string, string>;
  readonly denials: ReadonlySet<string>;
}

const DENIALS = new Set(
  `not no never none longer stopped stop quit left sold ended broke cancelled canceled moved away former previously
  used isn aren wasn weren don doesn didn won hasn haven cannot without nobody nothing`.split(/\s+/),
);
const STOP_WORDS = new Set(
  `a an the and or but of in on at to from with for by is are was were be been has have had does do did it its this that
  he she they his her their him them i my we our you your who which as also very just so then than there now`.split(
    /\s+/,
  ),
);

/** Content words that two statements share at least where they speak of the same thing, and differ in at most. */
const SHARED = 2;
const DIFFERENT = 3;

/**
 * Finds pairs of memories that repeat, or may contradict, each other: similar, sharing words, and either one negates or
 * both differ in the same place ("Ana lives in Oslo", "Ana lives in Rome"). Evidence, not proof: both may be true.
 * Compares every pair of one speaker's memories. The most similar pairs come first.
 */
export async function auditMemories(
  memories: readonly ScoredMemory[],
  { embeddings, duplicate = 0.9, related = 0.5 }: AuditOptions,
): Promise<AuditFinding[]> {
  const texts = memories.map(({ value }) => value.text);
  const vectors = texts.length === 0 ? [] : await embeddings.embedDocuments(texts);
  const analysed = memories.map((memory, at) => ({ ...analyse(memory), vector: vectors[at] ?? [] }));
  const findings: AuditFinding[] = [];
  for (const [at, right] of analysed.entries())
    for (const left of analysed.slice(0, at)) {
      if (left.memory.value.speaker !== right.memory.value.speaker) continue;
      const finding = compare(left, right, duplicate, related);
      if (finding !== undefined) findings.push(finding);
    }
  return findings.sort((left, right) => right.similarity - left.similarity);
}

function compare(left: Analysed, right: Analysed, duplicate: number, related: number): AuditFinding | undefined {
  const similarity = cosineSimilarity(left.vector, right.vector);
  if (similarity < Math.min(duplicate, related)) return undefined;
  const [older, newer] = left.memory.value.order <= right.memory.value.order ? [left, right] : [right, left];
  const evidence = {
    shared: [...older.words].filter(([stem]) => newer.words.has(stem)).map(([, word]) => word),
    onlyOlder: [...older.words].filter(([stem]) => !newer.words.has(stem)).map(([, word]) => word),
    onlyNewer: [...newer.words].filter(([stem]) => !older.words.has(stem)).map(([, word]) => word),
    denials: [...older.denials]
      .filter((word) => !newer.denials.has(word))
      .concat([...newer.denials].filter((word) => !older.denials.has(word))),
  };
  const kind = kindOf(evidence, similarity, duplicate, related);
  return kind === undefined ? undefined : { kind, older: older.memory, newer: newer.memory, similarity, evidence };
}

function kindOf(
  { shared, onlyOlder, onlyNewer, denials }: AuditFinding["evidence"],
  similarity: number,
  duplicate: number,
  related: number,
): AuditFinding["kind"] | undefined {
  const replaces =
    onlyOlder.length > 0 && onlyNewer.length > 0 && Math.max(onlyOlder.length, onlyNewer.length) <= DIFFERENT;
  if (similarity >= related && shared.length >= SHARED && (denials.length > 0 || replaces)) return "contradiction";
  return similarity >= duplicate ? "near-duplicate" : undefined;
}

function analyse(memory: ScoredMemory): Omit<Analysed, "vector"> {
  const words = new Map<string, string>();
  const denials = new Set<string>();
  for (const word of writtenWords(memory.value.text)) {
    const lower = word.toLowerCase();
    if (DENIALS.has(lower)) denials.add(lower);
    else if (lower.length > 1 && !STOP_WORDS.has(lower)) words.set(stemOf(lower), word);
  }
  return { memory, words, denials };
}
