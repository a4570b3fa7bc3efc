import { createHash } from "node:crypto";
import type { Item, PutOperation } from "@langchain/langgraph";
import type { Metadata, Where } from "chromadb";
import { StoreError, UsageError } from "../errors.js";
import { equalities, type Filter, isScalar } from "./filter.js";
import { itemPath, type Namespace } from "./namespace.js";

/**
 * How an item lies in Chroma. Its first row (row 0) has the value as its document; each further vector has a row of its
 * own that only points to the item. All rows carry the namespace by segment and the scalar fields, to be filtered by.
 */
export interface Row {
  readonly id: string;
  readonly embedding: number[];
  readonly metadata: Metadata;
  readonly document: string;
}

/** What row 0 of an item tells apart from the item itself. */
export interface Head {
  readonly item: Item;
  /** How many rows the item has. */
  readonly rows: number;
}

/** Longer texts are compared by their hash, so that metadata stay small. */
const LONGEST_MIRROR = 64;

export function itemId(namespace: Namespace, key: string): string {
  return createHash("sha256").update(itemPath(namespace, key)).digest("hex").slice(0, 40);
}

export function rowId(item: string, row: number): string {
  return row === 0 ? item : `${item}-${row}`;
}

/**
 * The rows of one put, row 0 first.
 * @param vectors one per indexed text, none for an item that is not indexed.
 * @throws StoreError for a vector of another length than the collection's, or with a NaN or infinite component.
 */
export function encodeRows(
  { namespace, key, value }: PutOperation & { value: object },
  vectors: readonly number[][],
  { dimension, createdAt, updatedAt }: { dimension: number; createdAt: Date; updatedAt: Date },
): Row[] {
  const id = itemId(namespace, key);
  // A zero vector has no direction: cosine similarity cannot rank it.
  const indexed = vectors.filter((vector) => checkVector(vector, dimension).some((component) => component !== 0));
  const placeholder = Array.from({ length: dimension }, (_, at) => (at === 0 ? 1 : 0));
  const embeddings = indexed.length === 0 ? [placeholder] : indexed;
  const shared: Metadata = {
    item: id,
    key,
    depth: namespace.length,
    rows: embeddings.length,
    vector: indexed.length > 0,
    created: createdAt.getTime(),
    updated: updatedAt.getTime(),
  };
  for (const [depth, label] of namespace.entries()) shared[`ns_${depth}`] = label;
  for (const [field, found] of Object.entries(value)) if (isScalar(found)) shared[`=${field}`] = mirror(found);
  const document = toJson(value, namespace, key);
  return embeddings.map((embedding, row) => ({
    id: rowId(id, row),
    embedding,
    metadata: { ...shared, row },
    document: row === 0 ? document : "",
  }));
}

/** Reads row 0. */
export function decodeHead(metadata: Metadata | null | undefined, document: string | null | undefined): Head {
  const { key, rows, created, updated } = metadata ?? {};
  return {
    item: {
      namespace: decodeNamespace(metadata),
      key: String(key),
      value: JSON.parse(document ?? "null") as Record<string, unknown>,
      createdAt: new Date(Number(created)),
      updatedAt: new Date(Number(updated)),
    },
    rows: Number(rows),
  };
}

export function decodeNamespace(metadata: Metadata | null | undefined): string[] {
  return Array.from({ length: Number(metadata?.depth) }, (_, depth) => String(metadata?.[`ns_${depth}`]));
}

/**
 * Chroma's condition for rows below a namespace prefix ("*" stands for any label). Equalities of the filter are part
 * of it; it lets through more than the filter where values are mirrored by hash, never less.
 */
export function whereRows(
  prefix: Namespace,
  filter: Filter | undefined,
  fixed: Record<string, number | boolean>,
): Where {
  const conditions: Where[] = [
    ...Object.entries(fixed).map(([name, value]) => ({ [name]: value })),
    ...prefix.flatMap((label, depth) => (label === "*" ? [] : [{ [`ns_${depth}`]: label }])),
    ...equalities(filter).map(([field, value]) => ({ [`=${field}`]: mirror(value) })),
  ];
  return conditions.length === 1 ? conditions[0]! : { $and: conditions };
}

/** Chroma's integers and floats never compare equal, so scalars are mirrored as text. */
function mirror(value: string | number | boolean | null): string {
  const text = JSON.stringify(value);
  return text.length <= LONGEST_MIRROR ? text : createHash("sha256").update(text).digest("base64");
}

function toJson(value: object, namespace: Namespace, key: string): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new UsageError({
      what: "the value cannot be written as JSON",
      where: itemPath(namespace, key),
      remedy: "Store plain objects without cycles and bigints.",
      cause,
    });
  }
}

function checkVector(vector: number[], dimension: number): number[] {
  if (vector.length === dimension && vector.every(Number.isFinite)) return vector;
  throw new StoreError({
    what: "the embeddings returned a vector that cannot be stored",
    expected: `${dimension} finite numbers`,
    found: vector.length === dimension ? "a NaN or infinite component" : `${vector.length} numbers`,
    remedy: "Check the embeddings model.",
  });
}
