import type { Embeddings } from "@langchain/core/embeddings";
import type { PutOperation } from "@langchain/langgraph";
import { StoreError } from "../../errors.js";
import { textsAt } from "./text-fields.js";

/** How items are embedded: one vector for each text that a field (a LangGraph index path) selects. */
export interface VectorIndex {
  readonly embeddings: Embeddings;
  /** Default: ["$"], the whole value as one JSON text. */
  readonly fields?: readonly string[];
}

/**
 * The vectors of each put in the same order; none where the put is a delete, says `index: false`, or has no text.
 * @throws StoreError where the embeddings give another number of vectors than of texts.
 */
export async function embedPuts(puts: readonly PutOperation[], index: VectorIndex): Promise<number[][][]> {
  const textsOfPuts = puts.map(({ value, index: paths }) =>
    value === null || paths === false
      ? []
      : [...new Set((paths ?? index.fields ?? ["$"]).flatMap((path) => textsAt(value, path)))],
  );
  const texts = [...new Set(textsOfPuts.flat())];
  if (texts.length === 0) return puts.map(() => []);
  const embedded = await index.embeddings.embedDocuments(texts);
  if (embedded.length !== texts.length) {
    throw new StoreError({
      what: "the embeddings returned another number of vectors than of texts",
      expected: String(texts.length),
      found: String(embedded.length),
      remedy: "check the embeddings model",
    });
  }
  const vectors = new Map(texts.map((text, at) => [text, embedded[at]!]));
  return textsOfPuts.map((own) => own.map((text) => vectors.get(text)!));
}

/** Cosine similarity; 0 where one of the vectors is zero. */
export function cosineSimilarity(left: readonly number[], right: readonly number[]): number {
  let dot = 0;
  let leftSquares = 0;
  let rightSquares = 0;
  for (const [at, value] of left.entries()) {
    const other = right[at] ?? 0;
    dot += value * other;
    leftSquares += value * value;
    rightSquares += other * other;
  }
  return leftSquares === 0 || rightSquares === 0 ? 0 : dot / Math.sqrt(leftSquares * rightSquares);
}
