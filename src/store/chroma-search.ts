import type { SearchOperation } from "@langchain/langgraph";
import type { Collection, Where } from "chromadb";
import { decodeHead, type Head, whereRows } from "./chroma-rows.js";
import { matchesFilter } from "./filter.js";
import type { ScoredItem } from "./operations.js";
import { cosineSimilarity } from "./vectors.js";

export interface SearchContext {
  readonly collection: Collection;
  /** Reads row 0 of each item, by item id. */
  readonly heads: (ids: readonly string[]) => Promise<Map<string, Head>>;
  readonly pageSize: number;
}

/** A row that holds a vector, and that vector's cosine similarity to the query. */
interface Hit {
  readonly row: string;
  readonly item: string;
  readonly score: number;
  /** The item, where the row is its row 0. */
  readonly head: Head | undefined;
}

/** Items below the prefix that pass the filter: by score where there is a query vector, else in the order of creation. */
export async function searchRows(
  context: SearchContext,
  op: SearchOperation,
  query: readonly number[] | undefined,
): Promise<ScoredItem[]> {
  const { offset = 0, limit = 10 } = op;
  const needed = offset + limit;
  if (needed <= 0) return [];
  if (query === undefined) return (await listItems(context, op, {}, needed)).slice(offset, needed);
  const scored = await scoredItems(context, op, query, needed);
  const unscored =
    scored.length < needed ? await listItems(context, op, { vector: false }, needed - scored.length) : [];
  return [...scored, ...unscored].slice(offset, needed);
}

/** The first `needed` items in the order that Chroma has them, which is that of creation. */
async function listItems(
  { collection, pageSize }: SearchContext,
  op: SearchOperation,
  fixed: Record<string, boolean>,
  needed: number,
): Promise<ScoredItem[]> {
  const where = whereRows(op.namespacePrefix, op.filter, { row: 0, ...fixed });
  const items: ScoredItem[] = [];
  const size = Math.min(pageSize, needed);
  for (let offset = 0; items.length < needed; offset += size) {
    const page = await collection.get({ where, limit: size, offset, include: ["metadatas", "documents"] });
    const heads = page.ids.map((_, at) => decodeHead(page.metadatas[at], page.documents[at]));
    items.push(...heads.map(({ item }) => item).filter(({ value }) => matchesFilter(value, op.filter)));
    if (page.ids.length < size) break;
  }
  return items.slice(0, needed);
}

/**
 * At least `needed` scored items where there are that many. Chroma is asked for more rows until enough items remain
 * after the filter; where it has no more, the rows that its approximate index did not reach are scored here.
 */
async function scoredItems(
  context: SearchContext,
  op: SearchOperation,
  query: readonly number[],
  needed: number,
): Promise<ScoredItem[]> {
  const where = whereRows(op.namespacePrefix, op.filter, { vector: true });
  for (let asked = needed; ; asked *= 4) {
    const rows = asked > context.pageSize ? Math.min(asked, Math.max(1, await context.collection.count())) : asked;
    const hits = await nearest(context, where, query, rows);
    const exhausted = hits.length < rows || rows < asked;
    if (exhausted) hits.push(...(await unreached(context, where, query, hits)));
    const items = await itemsOf(context, op, hits);
    if (exhausted || items.length >= needed) return items;
  }
}

async function nearest(
  { collection }: SearchContext,
  where: Where,
  query: readonly number[],
  rows: number,
): Promise<Hit[]> {
  const found = await collection.query({
    queryEmbeddings: [[...query]],
    nResults: rows,
    where,
    include: ["distances", "metadatas", "documents"],
  });
  return (found.ids[0] ?? []).map((row, at) => {
    const metadata = found.metadatas[0]?.[at];
    const head = metadata?.row === 0 ? decodeHead(metadata, found.documents[0]?.[at]) : undefined;
    return { row, item: String(metadata?.item), score: 1 - (found.distances[0]?.[at] ?? 1), head };
  });
}

async function unreached(
  { collection, pageSize }: SearchContext,
  where: Where,
  query: readonly number[],
  hits: readonly Hit[],
): Promise<Hit[]> {
  const reached = new Set(hits.map(({ row }) => row));
  const missing: string[] = [];
  for (let offset = 0; ; offset += pageSize) {
    const { ids } = await collection.get({ where, limit: pageSize, offset, include: [] });
    missing.push(...ids.filter((id) => !reached.has(id)));
    if (ids.length < pageSize) break;
  }
  const found: Hit[] = [];
  for (let at = 0; at < missing.length; at += pageSize) {
    const ids = missing.slice(at, at + pageSize);
    const page = await collection.get({ ids, include: ["embeddings", "metadatas"] });
    for (const [index, row] of page.ids.entries()) {
      const score = cosineSimilarity(query, page.embeddings[index] ?? []);
      found.push({ row, item: String(page.metadatas[index]?.item), score, head: undefined });
    }
  }
  return found;
}

/** One scored item per item id, with the best of its vectors' scores, best first; equal scores by age. */
async function itemsOf({ heads }: SearchContext, op: SearchOperation, hits: readonly Hit[]): Promise<ScoredItem[]> {
  const scores = new Map<string, number>();
  for (const { item, score } of hits) scores.set(item, Math.max(score, scores.get(item) ?? score));
  const known = new Map(hits.flatMap(({ item, head }) => (head === undefined ? [] : [[item, head] as const])));
  for (const [id, head] of await heads([...scores.keys()].filter((id) => !known.has(id)))) known.set(id, head);
  return [...scores]
    .flatMap(([id, score]) => {
      const item = known.get(id)?.item;
      return item !== undefined && matchesFilter(item.value, op.filter) ? [{ ...item, score }] : [];
    })
    .sort((left, right) => right.score - left.score || left.createdAt.getTime() - right.createdAt.getTime());
}
