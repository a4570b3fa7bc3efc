import { randomUUID } from "node:crypto";
import type { PutOperation } from "@langchain/langgraph";
import type { Collection } from "chromadb";
import { type KnownHead, type KnownHeads, knownHead } from "./chroma-heads.js";
import { type ChromaLimits, pagesOf } from "./chroma-limits.js";
import { encodeRows, type Head, itemId, type Row } from "./chroma-rows.js";
import { type TtlOptions, type TtlPutOptions, ttlOf } from "./ttl.js";

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

/**
 * Writes puts of different keys: what is new or changed in one request (where it fits), then what goes. All is checked
 * before the first request.
 */
export async function writeRows(context: WriteContext, puts: readonly EmbeddedPut[]): Promise<void> {
  const gone = puts.filter(({ put }) => put.value === null).map(({ put }) => itemId(put.namespace, put.key));
  const kept = puts.filter(({ put }) => put.value !== null);
  const [only] = kept;
  const stale =
    only !== undefined && kept.length === 1 && isNewAndSimple(context, only)
      ? await writeNew(context, only)
      : await writeAll(context, kept);
  for (const id of gone) context.known.forget(id);
  await deleteRows(context, gone, stale);
}

/** Whether nothing is known of the item, and it lies in one row. */
function isNewAndSimple({ known }: WriteContext, { put, vectors }: EmbeddedPut): boolean {
  return vectors.length <= 1 && known.get(itemId(put.namespace, put.key)) === undefined;
}

/**
 * Adds an item of one row while looking whether it is there already, so that a new one costs one wait: Chroma leaves a
 * record that is there as it is, and it is then overwritten.
 */
async function writeNew(context: WriteContext, embedded: EmbeddedPut): Promise<string[]> {
  const id = itemId(embedded.put.namespace, embedded.put.key);
  const { rows, stamp, remember } = encode(context, embedded, undefined);
  const [heads] = await Promise.all([context.heads([id]), context.collection.add(recordsOf(rows))]);
  const found = heads.get(id);
  if (found === undefined || found.stamp === stamp) {
    remember();
    return [];
  }
  return writeAll(context, [embedded]);
}

/** The stamps of earlier writes of which rows are left. */
async function writeAll(context: WriteContext, puts: readonly EmbeddedPut[]): Promise<string[]> {
  const { collection, known, limits } = context;
  const ids = puts.map(({ put }) => itemId(put.namespace, put.key));
  const remembered = ids.map((id) => known.get(id));
  const unknown = ids.filter((_, at) => remembered[at] === undefined);
  const read = unknown.length === 0 ? undefined : await context.heads(unknown);
  const before = ids.map((id, at) => remembered[at] ?? knownHead(read?.get(id)));
  const encoded = puts.map((put, at) => encode(context, put, before[at]));
  const rows = encoded.flatMap((one) => one.rows);
  for (const page of pagesOf(rows, limits.records, bytesOf)) await collection.upsert(recordsOf(page));
  for (const { remember } of encoded) remember();
  return encoded.flatMap((one, at) => {
    const { rows = 0, stamp } = before[at] ?? {};
    return stamp !== undefined && rows > one.rows.length ? [stamp] : [];
  });
}

function encode(context: WriteContext, { put, vectors }: EmbeddedPut, before: KnownHead | undefined) {
  const { known, now, ttl: config } = context;
  const stamp = randomUUID().slice(0, 13);
  const updatedAt = now();
  const createdAt = before?.createdAt ?? updatedAt;
  const ttl = ttlOf(put, config);
  const times = { createdAt, updatedAt, ttl, hadTtl: before?.hasTtl ?? false };
  const rows = encodeRows({ ...put, value: put.value! }, vectors, times, { ...context, stamp });
  const id = itemId(put.namespace, put.key);
  const head: KnownHead = { createdAt, rows: rows.length, hasTtl: ttl !== undefined, stamp };
  return { rows, stamp, remember: () => known.remember(id, head) };
}

/**
 * Deletes items with all their rows, and what is left of earlier writes: rows are named by the write that made them, since
 * another writer may have written anew under the same ids. A row without its item is never seen.
 */
export async function deleteRows(
  { collection, limits }: Pick<WriteContext, "collection" | "limits">,
  items: readonly string[],
  stamps: readonly string[] = [],
): Promise<void> {
  const deletes = [
    ...pagesOf(items, limits.records).map((ids) => ({ ids })),
    ...pagesOf(items, limits.records).map((page) => ({ where: { of: { $in: page } } })),
    ...pagesOf(stamps, limits.records).map((page) => ({ where: { stamp: { $in: page } } })),
  ];
  await Promise.all(deletes.map((which) => collection.delete(which)));
}

function bytesOf({ document, embedding }: Row): number {
  return document.length + embedding.length * BYTES_PER_COMPONENT;
}

function recordsOf(rows: readonly Row[]) {
  return {
    ids: rows.map(({ id }) => id),
    embeddings: rows.map(({ embedding }) => embedding),
    metadatas: rows.map(({ metadata }) => metadata),
    documents: rows.map(({ document }) => document),
  };
}
