import { createHash } from "node:crypto";
import type { Item, PutOperation } from "@langchain/langgraph";
import type { Metadata, Where } from "chromadb";
import { StoreError, UsageError } from "../../errors.js";
import { equalities, isScalar, type StoreFilter } from "../filter.js";
import { itemPath, type Namespace } from "../namespace.js";
import { type ChromaLimits, checkBytes } from "./chroma-limits.js";

/**
 * How an item lies in Chroma. Its row 0 has one JSON text with the value (each metadata key costs a write of its own, and
 * a document costs an index of its words); each further vector has a row that only points to the item. All rows carry
 * each prefix of the namespace under its depth, so that a search has one condition, and the short scalar fields, to be
 * filtered by. An upsert merges metadata and never drops a key or a document: nothing may be read into their presence.
 */
export interface Row {
  readonly id: string;
  readonly embedding: number[];
  readonly metadata: Metadata;
  /** The value as JSON where it is too long for the metadata; "" writes over one that was; undefined leaves it as it is. */
  readonly document: string | undefined;
}

/** What row 0 of an item tells. */
export interface Head {
  readonly item: Item;
  /** How many rows the item has. */
  readonly rows: number;
  /** Whether the item has a vector; else its row holds a placeholder. */
  readonly indexed: boolean;
  /** Whether the value is the row's document, as an earlier version had it, and long values have it. */
  readonly hasDocument: boolean;
  /** Of the write that made it: rows of another write are leftovers. */
  readonly stamp: string;
  /** Minutes that the item lives after each write and read; undefined: for ever. */
  readonly ttl: number | undefined;
  /** Milliseconds since 1970. */
  readonly expires: number | undefined;
}

/** What a row beyond the first points to. */
export interface Pointer {
  readonly item: string;
  readonly stamp: string;
}

/** What a write must know of the item that it replaces, since an upsert keeps what is not written over. */
export interface KnownHead {
  readonly createdAt: Date;
  readonly rows: number;
  readonly hasTtl: boolean;
  readonly hasDocument: boolean;
  /** Of the write that made it. */
  readonly stamp: string;
}

/** One write of an item. */
export interface RowWrite {
  readonly at: Date;
  readonly stamp: string;
  readonly ttl: number | undefined;
  /** Undefined where the item is new. */
  readonly before: KnownHead | undefined;
}

interface HeadText {
  readonly ns: string[];
  readonly key: string;
  readonly rows: number;
  readonly indexed: boolean;
  readonly created: number;
  readonly updated: number;
  readonly stamp: string;
  readonly ttl?: number;
  /** Missing where it is the row's document. */
  readonly value?: Record<string, unknown>;
}

/**
 * Longer texts are no part of a row's condition: they are compared after it was read. An id in quotes fits; a sentence,
 * for which the server would pay at each write and which nobody filters by, mostly does not.
 */
const LONGEST_MIRROR = 40;
const MINUTE = 60_000;
/** Written over an expiry that no longer holds: the last moment that a Date can hold. */
const NEVER = 8.64e15;

export function itemId(namespace: Namespace, key: string): string {
  return createHash("sha256").update(itemPath(namespace, key)).digest("hex").slice(0, 40);
}

export function rowId(item: string, row: number): string {
  return row === 0 ? item : `${item}-${row}`;
}

/**
 * The rows of one put, row 0 first. An item never gets fewer rows: those that it no longer needs repeat its first vector,
 * since a delete beside the upsert could take a row that another writer has just written under the same id.
 * @param vectors one per indexed text, none for an item that is not indexed.
 * @throws StoreError for a vector of another length than the collection's, or with a NaN or infinite component, and for
 * a value beyond the limits.
 */
export function encodeRows(
  { namespace, key, value }: PutOperation & { value: object },
  vectors: readonly number[][],
  { at, stamp, ttl, before }: RowWrite,
  { dimension, limits }: { dimension: number; limits: ChromaLimits },
): Row[] {
  const id = itemId(namespace, key);
  const where = itemPath(namespace, key);
  // A zero vector has no direction: cosine similarity cannot rank it.
  const indexed = vectors.filter((vector) => checkVector(vector, dimension).some((component) => component !== 0));
  const first = indexed[0] ?? placeholder(id, dimension);
  const rows = Math.max(1, indexed.length, before?.rows ?? 0);
  const head: HeadText = {
    ns: [...namespace],
    key,
    rows,
    indexed: indexed.length > 0,
    created: (before?.createdAt ?? at).getTime(),
    updated: at.getTime(),
    stamp,
    ...(ttl === undefined ? {} : { ttl }),
  };
  const shared: Metadata = {};
  if (ttl !== undefined || before?.hasTtl) shared.expires = ttl === undefined ? NEVER : expiry(at, ttl);
  for (const depth of namespace.keys()) shared[prefixKey(depth + 1)] = prefixText(namespace.slice(0, depth + 1));
  const json = toJson(value, where);
  // JSON makes texts of dates and null of NaN: filters ask for what is read back.
  for (const [field, kept] of Object.entries(JSON.parse(json) as object))
    if (isScalar(kept)) Object.assign(shared, mirror(field, kept, limits));
  checkBytes(json, limits.documentBytes, "the value", where);
  const whole = JSON.stringify({ ...head, value });
  const fits = Buffer.byteLength(whole) <= limits.metadataBytes;
  const metadata: Metadata = { ...shared, head: fits ? whole : JSON.stringify(head) };
  checkMetadata(metadata, limits, where);
  const emptied = before?.hasDocument ? "" : undefined;
  return Array.from({ length: rows }, (_, row) => ({
    id: rowId(id, row),
    embedding: indexed[row] ?? first,
    metadata: row === 0 ? metadata : { ...shared, of: id, stamp },
    document: row === 0 && !fits ? json : emptied,
  }));
}

/** Reads row 0, or what another row points to. */
export function decodeRow(metadata: Metadata | null | undefined, document: string | null | undefined): Head | Pointer {
  const { head, of, stamp, expires } = metadata ?? {};
  if (typeof head !== "string") return { item: String(of), stamp: String(stamp) };
  const { ns, key, rows, indexed, created, updated, stamp: own, ttl, value } = JSON.parse(head) as HeadText;
  return {
    item: {
      namespace: ns,
      key,
      value: value ?? (JSON.parse(document ?? "null") as Record<string, unknown>),
      createdAt: new Date(created),
      updatedAt: new Date(updated),
    },
    rows,
    indexed,
    hasDocument: value === undefined,
    stamp: own,
    ttl,
    // A read that renewed what another process was putting again may have written less than the put's own time.
    expires:
      ttl !== undefined && typeof expires === "number" ? Math.max(expires, expiry(new Date(updated), ttl)) : undefined,
  };
}

export function isHead(row: Head | Pointer): row is Head {
  return "rows" in row;
}

export function expiry(from: Date, ttl: number): number {
  return Math.round(from.getTime() + ttl * MINUTE);
}

/**
 * Chroma's condition for rows below a namespace prefix. Equalities of the filter with short values are part of it: it
 * lets through more than the filter, never less. Undefined: all rows.
 */
export function whereRows(prefix: Namespace, filter: StoreFilter | undefined, limits: ChromaLimits): Where | undefined {
  const conditions: Where[] = [
    ...(prefix.length === 0 ? [] : [{ [prefixKey(prefix.length)]: prefixText(prefix) }]),
    ...equalities(filter).flatMap(([field, value]): Where[] => {
      const condition = mirror(field, value, limits);
      return condition === undefined ? [] : [condition];
    }),
  ].slice(0, limits.predicates);
  return conditions.length <= 1 ? conditions[0] : { $and: conditions };
}

function prefixKey(depth: number): string {
  return `p${depth}`;
}

/** Labels hold no colon, so that no two prefixes have one text. */
function prefixText(prefix: Namespace): string {
  return prefix.join(":");
}

/** A field as metadata; undefined where it would be too long. Chroma's integers and floats never compare equal: text does. */
function mirror(
  field: string,
  value: string | number | boolean | null,
  { metadataKeyBytes }: ChromaLimits,
): Record<string, string> | undefined {
  const text = JSON.stringify(value);
  const isShort = text.length <= LONGEST_MIRROR && Buffer.byteLength(field) < metadataKeyBytes;
  return isShort ? { [`=${field}`]: text } : undefined;
}

/** A direction of its own for each item without a vector: many equal vectors would spoil the index around them. */
function placeholder(id: string, dimension: number): number[] {
  let state = Number.parseInt(id.slice(0, 8), 16);
  return Array.from({ length: dimension }, () => {
    // A linear congruential generator (Numerical Recipes) is random enough here.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1 || 1;
  });
}

function checkMetadata(metadata: Metadata, limits: ChromaLimits, where: string): void {
  const keys = Object.keys(metadata);
  for (const key of keys) checkBytes(String(metadata[key]), limits.metadataBytes, "the key or namespace", where);
  if (keys.length <= limits.metadataKeys) return;
  throw new StoreError({
    what: "the value has too many fields for the Chroma service",
    where,
    expected: `at most ${limits.metadataKeys} scalar fields and namespace labels`,
    found: String(keys.length),
    remedy: "nest fields that no filter asks for in an object",
  });
}

function toJson(value: object, where: string): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new UsageError({
      what: "the value cannot be written as JSON",
      where,
      remedy: "store plain objects without cycles and bigints",
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
    remedy: "check the embeddings model",
  });
}
