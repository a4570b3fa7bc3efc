import { randomUUID } from "node:crypto";
import type { PutOperation } from "@langchain/langgraph";
import type { Collection } from "chromadb";
import { type TtlOptions, type TtlPutOptions, ttlOf } from "../ttl.js";
import { type KnownHeads, knownHead } from "./chroma-heads.js";
import { type ChromaLimits, pagesOf } from "./chroma-limits.js";
import { encodeRows, type Head, itemId, type KnownHead, type Row } from "./chroma-rows.js";

export interface WriteContext {
  readonly collection: Collection;
  readonly dimension: number;
  readonly limits: ChromaLimits;
  readonly ttl: TtlOptions;
  readonly known: KnownHeads;
  /** Reads row 0 of each item, by item id. */
  readonly heads: (ids: readonly string[]) => Promise<Map<string, Head>>;
  readonly now: () => Date;
}

/** A put with the vectors of its texts. */
export interface EmbeddedPut {
  readonly put: PutOperation & TtlPutOptions;
  readonly vectors: readonly number[][];
}

const BYTES_PER_COMPONENT = 8;

/** Embeds and writes puts of different keys; what is not known of the items that they replace is read meanwhile. */
export async function writePuts(
  context: WriteContext,
  puts: readonly EmbeddedPut["put"][],
  embed: () => Promise<number[][][]>,
): Promise<void> {
  const [only] = puts;
  const expectsNew = context.known.expectsNew && puts.length === 1 && only?.value !== null;
  const reading = readBefore(context, puts);
  const read = reading.catch(() => undefined);
  try {
    const vectors = await embed();
    const embedded = puts.map((put, at) => ({ put, vectors: vectors[at]! }));
    if (expectsNew && (await isAdded(context, embedded[0]!, reading))) return;
    await writeRows(context, embedded, await reading);
  } finally {
    // A put that is refused leaves no request behind.
    await read;
  }
}

/**
 * Adds an item of one row that is not known, before the answer whether it is there, so that a new one costs one wait:
 * Chroma leaves a record that is there as it is. Where that was so, an add is a second record in the server's log, which
 * later writes pay for: the next item is asked for first.
 */
async function isAdded(
  context: WriteContext,
  embedded: EmbeddedPut,
  reading: Promise<ReadonlyMap<string, KnownHead>>,
): Promise<boolean> {
  const { known, collection } = context;
  if (known.get(itemId(embedded.put.namespace, embedded.put.key)) !== undefined) return false;
  const { id, rows, head } = encode(context, embedded, new Map());
  if (rows.length > 1) return false;
  const [before] = await Promise.all([reading, collection.add(recordsOf(rows))]);
  const found = before.get(id);
  // The read may have come after the add.
  if (found !== undefined && found.stamp !== head.stamp) return false;
  known.remember(id, head);
  known.expectsNew = true;
  return true;
}

/** What is known of the items that the puts replace, by item id; what is not known is read. */
async function readBefore(
  { known, heads }: WriteContext,
  puts: readonly PutOperation[],
): Promise<ReadonlyMap<string, KnownHead>> {
  const ids = puts.filter(({ value }) => value !== null).map(({ namespace, key }) => itemId(namespace, key));
  const before = new Map(ids.flatMap((id) => entryOf(id, known.get(id))));
  const unknown = ids.filter((id) => !before.has(id));
  if (unknown.length === 0) return before;
  for (const [id, head] of await heads(unknown)) before.set(id, knownHead(head));
  known.expectsNew = unknown.every((id) => !before.has(id));
  return before;
}

function entryOf<T>(id: string, found: T | undefined): [string, T][] {
  return found === undefined ? [] : [[id, found]];
}

/**
 * Writes puts of different keys: what is new or changed in one request (where it fits), then what goes. All is checked
 * before the first request.
 */
async function writeRows(
  context: WriteContext,
  puts: readonly EmbeddedPut[],
  before: ReadonlyMap<string, KnownHead>,
): Promise<void> {
  const { collection, known, limits } = context;
  const gone = puts.filter(({ put }) => put.value === null).map(({ put }) => itemId(put.namespace, put.key));
  const written = puts.filter(({ put }) => put.value !== null).map((put) => encode(context, put, before));
  const rows = written.flatMap((one) => one.rows);
  for (const page of pagesOf(rows, limits.records, bytesOf)) await collection.upsert(recordsOf(page));
  for (const { id, head } of written) known.remember(id, head);
  for (const id of gone) known.forget(id);
  await deleteRows(context, gone);
}

function encode(
  context: WriteContext,
  { put, vectors }: EmbeddedPut,
  heads: ReadonlyMap<string, KnownHead>,
): { id: string; rows: Row[]; head: KnownHead } {
  const id = itemId(put.namespace, put.key);
  const before = heads.get(id);
  const at = context.now();
  const ttl = ttlOf(put, context.ttl);
  const write = { at, stamp: randomUUID().slice(0, 13), ttl, before };
  const rows = encodeRows({ ...put, value: put.value! }, vectors, write, context);
  const hasDocument = Boolean(rows[0]?.document);
  const head = { createdAt: before?.createdAt ?? at, rows: rows.length, hasTtl: ttl !== undefined, hasDocument };
  return { id, rows, head: { ...head, stamp: write.stamp } };
}

/**
 * Deletes items with all their rows, and rows that were left of earlier writes, in one request where they fit: a deletion
 * by a condition would take rows that another writer makes while it is looked for, and leave its row 0.
 */
export async function deleteRows(
  { collection, limits }: Pick<WriteContext, "collection" | "limits">,
  items: readonly string[],
): Promise<void> {
  for (const page of pagesOf(items, limits.records)) {
    const rows: string[] = [];
    for (let offset = 0; ; offset += limits.results) {
      const where = { of: { $in: page } };
      const { ids } = await collection.get({ where, limit: limits.results, offset, include: [] });
      rows.push(...ids);
      if (ids.length < limits.results) break;
    }
    // An item's rows have its id in front, so that they are sorted beside it.
    for (const ids of pagesOf([...page, ...rows].sort(), limits.records)) await collection.delete({ ids });
  }
}

function bytesOf({ document = "", metadata, embedding }: Row): number {
  return document.length + String(metadata.head).length + embedding.length * BYTES_PER_COMPONENT;
}

function recordsOf(rows: readonly Row[]) {
  const records = {
    ids: rows.map(({ id }) => id),
    embeddings: rows.map(({ embedding }) => embedding),
    metadatas: rows.map(({ metadata }) => metadata),
  };
  if (rows.every(({ document }) => document === undefined)) return records;
  return { ...records, documents: rows.map(({ document = "" }) => document) };
}
