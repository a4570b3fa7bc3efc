import type { SearchOperation } from "@langchain/langgraph";
import type { Collection, Where } from "chromadb";
import { matchesFilter } from "../filter.js";
import { cosineSimilarity } from "../search/vectors.js";
import type { ChromaLimits } from "./chroma-limits.js";
import { decodeRow, type Head, isHead, itemId, type Pointer, whereRows } from "./chroma-rows.js";

export interface SearchContext {
  readonly collection: Collection;
  readonly limits: ChromaLimits;
  /** Reads row 0 of each item, by item id. */
  readonly heads: (ids: readonly string[]) => Promise<Map<string, Head>>;
  /** Whether an item is to be seen: not one that has expired and is hidden. */
  readonly isVisible: (head: Head) => boolean;
}

/** An item that was found, with its similarity where it has a vector. */
export interface Found {
  readonly head: Head;
  readonly score?: number;
}

/** A row as it was read, and the cosine similarity of its vector to the query. */
interface Hit {
  readonly id: string;
  readonly row: Head | Pointer;
  readonly score: number;
}

/** Items below the prefix that pass the filter: by score where there is a query vector, else in the order of creation. */
export async function searchRows(
  context: SearchContext,
  op: SearchOperation,
  query: readonly number[] | undefined,
): Promise<Found[]> {
  const { offset = 0, limit = 10 } = op;
  const needed = offset + limit;
  if (needed <= 0) return [];
  const found = query === undefined ? await listItems(context, op, needed) : await nearest(context, op, query, needed);
  return found.slice(offset, needed);
}

/** The first `needed` items in the order that Chroma has them, which is that of creation. */
async function listItems(context: SearchContext, op: SearchOperation, needed: number): Promise<Found[]> {
  const found: Found[] = [];
  for await (const rows of pages(context, op, needed)) {
    found.push(...rows.flatMap(({ row }) => (isHead(row) && passes(context, op, row) ? [{ head: row }] : [])));
    if (found.length >= needed) break;
  }
  return found;
}

async function* pages(
  { collection, limits }: SearchContext,
  op: SearchOperation,
  needed = Number.POSITIVE_INFINITY,
): AsyncGenerator<{ id: string; row: Head | Pointer }[]> {
  const where = whereRows(op.namespacePrefix, op.filter, limits);
  const size = Math.min(limits.results, needed);
  for (let offset = 0; ; offset += size) {
    const page = await collection.get({
      ...(where === undefined ? {} : { where }),
      limit: size,
      offset,
      include: ["metadatas", "documents"],
    });
    yield page.ids.map((id, at) => ({ id, row: decodeRow(page.metadatas[at], page.documents[at]) }));
    if (page.ids.length < size) return;
  }
}

/**
 * At least `needed` items where there are that many. Chroma is asked for more rows until enough items remain after the
 * filter; where it has no more, the rows that its approximate index did not reach are scored here, and the items without
 * a vector follow.
 */
async function nearest(
  context: SearchContext,
  op: SearchOperation,
  query: readonly number[],
  needed: number,
): Promise<Found[]> {
  const { collection, limits } = context;
  const where = whereRows(op.namespacePrefix, op.filter, limits);
  for (let asked = needed; ; asked *= 4) {
    const most =
      asked <= limits.results ? asked : Math.min(asked, limits.results, Math.max(1, await collection.count()));
    const hits = await queryRows(collection, where, query, most);
    if (hits.length === most && most === asked) {
      const items = await itemsOf(context, op, hits);
      if (items.length >= needed) return items;
      continue;
    }
    const rest: { id: string; row: Head | Pointer }[] = [];
    for await (const page of pages(context, op)) rest.push(...page);
    const reached = new Set(hits.map(({ id }) => id));
    const missed = rest.filter(({ id, row }) => !reached.has(id) && (!isHead(row) || row.indexed));
    const items = await itemsOf(context, op, [...hits, ...(await scored(context, missed, query))]);
    const unscored = rest.flatMap(({ row }) =>
      isHead(row) && !row.indexed && passes(context, op, row) ? [{ head: row }] : [],
    );
    return [...items, ...unscored];
  }
}

async function queryRows(
  collection: Collection,
  where: Where | undefined,
  query: readonly number[],
  rows: number,
): Promise<Hit[]> {
  const found = await collection.query({
    queryEmbeddings: [[...query]],
    nResults: rows,
    ...(where === undefined ? {} : { where }),
    include: ["distances", "metadatas", "documents"],
  });
  return (found.ids[0] ?? []).map((id, at) => ({
    id,
    row: decodeRow(found.metadatas[0]?.[at], found.documents[0]?.[at]),
    score: 1 - (found.distances[0]?.[at] ?? 1),
  }));
}

async function scored(
  { collection, limits }: SearchContext,
  rows: readonly { id: string; row: Head | Pointer }[],
  query: readonly number[],
): Promise<Hit[]> {
  const hits: Hit[] = [];
  for (let at = 0; at < rows.length; at += limits.results) {
    const page = rows.slice(at, at + limits.results);
    const { ids, embeddings } = await collection.get({ ids: page.map(({ id }) => id), include: ["embeddings"] });
    const vectors = new Map(ids.map((id, index) => [id, embeddings[index] ?? []]));
    hits.push(...page.map((one) => ({ ...one, score: cosineSimilarity(query, vectors.get(one.id) ?? []) })));
  }
  return hits;
}

/** Each item once, with the best of its vectors' scores, best first; equal scores by age. */
async function itemsOf(context: SearchContext, op: SearchOperation, hits: readonly Hit[]): Promise<Found[]> {
  const known = new Map(hits.flatMap(({ id, row }) => (isHead(row) ? [[id, row] as const] : [])));
  const pointed = hits.flatMap(({ row }) => (isHead(row) || known.has(row.item) ? [] : [row.item]));
  for (const [id, head] of pointed.length === 0 ? [] : await context.heads(pointed)) known.set(id, head);
  const scores = new Map<Head, number>();
  for (const { id, row, score } of hits) {
    const head = known.get(isHead(row) ? id : row.item);
    // A vector of another write than its item's is a leftover.
    if (head?.indexed && head.stamp === row.stamp) scores.set(head, Math.max(score, scores.get(head) ?? score));
  }
  return [...scores]
    .flatMap(([head, score]) => (passes(context, op, head) ? [{ head, score }] : []))
    .sort((left, right) => right.score - left.score || age(left) - age(right));
}

function age({ head }: Found): number {
  return head.item.createdAt.getTime();
}

function passes({ isVisible }: SearchContext, op: SearchOperation, head: Head): boolean {
  return matchesFilter(head.item.value, op.filter) && isVisible(head);
}

/** The id of the item's row 0. */
export function idOf({ item }: Head): string {
  return itemId(item.namespace, item.key);
}
