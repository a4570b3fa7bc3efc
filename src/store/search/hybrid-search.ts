import type { BaseStore, GetOperation } from "@langchain/langgraph";
import type { StoreFilter } from "../filter.js";
import { itemPath, type Namespace } from "../namespace.js";
import type { ScoredItem } from "../operations.js";
import { ownStore } from "../own-store.js";
import { type TtlReadOptions, UNTOUCHED } from "../ttl.js";
import { fuse, type Scored } from "./rank-fusion.js";
import type { SearchMode } from "./search-mode.js";
import { textsAt } from "./text-fields.js";
import { type IndexedText, TextIndex } from "./text-index.js";

export interface HybridSearchOptions {
  readonly query: string;
  /** Default "hybrid". */
  readonly mode?: SearchMode;
  readonly filter?: StoreFilter;
  /** Default 10. */
  readonly limit?: number;
  readonly offset?: number;
  /** LangGraph index paths of the texts in which words are searched. Default: the whole value. */
  readonly fields?: readonly string[];
  /** If given, results of "text" and "hybrid" are read again with these options, which renews their time to live. Default: they are not. */
  readonly renew?: TtlReadOptions;
}

type SearchOptions = NonNullable<Parameters<BaseStore["search"]>[1]>;

const PAGE = 300;

/** Items of each ranking that the fusion tells apart: what both rank lower can't come first anyway. */
const FUSED = 100;

const KEPT_INDEXES = 64;

/**
 * Searches any LangGraph store by vectors and words together, best first. The score of "text" is BM25's, that of "hybrid"
 * the sum of both rankings' relative scores, in [0, 2]. Ranking by words reads all items below the prefix: it is meant
 * for one user's memories, not for a whole store.
 */
export async function hybridSearch(
  store: BaseStore,
  prefix: Namespace,
  { query, mode = "hybrid", filter, limit = 10, offset = 0, fields = ["$"], renew }: HybridSearchOptions,
): Promise<ScoredItem[]> {
  const wanted: SearchOptions = filter === undefined ? {} : { filter: { ...filter } };
  if (mode === "vector") return store.search([...prefix], { ...wanted, query, limit, offset });
  // The queue before a running graph's store loses the option.
  const own = ownStore(store);
  const filtered = { ...wanted, ...UNTOUCHED };
  const needed = offset + limit;
  const all = await allItems(own, prefix, filtered);
  const items = new Map(all.map((item) => [pathOf(item), item]));
  const textOf = ({ value }: ScoredItem) => fields.flatMap((field) => textsAt(value, field)).join("\n");
  const texts = [...items].map(([id, item]) => ({ id, text: textOf(item) }));
  const byText = indexOf(JSON.stringify([prefix, filter, fields, texts[0]]), texts).rank(query);
  /** All items were read to rank them; of these only what is returned may count as read. */
  const found = async (scored: readonly Scored[]): Promise<ScoredItem[]> => {
    const page = scored.slice(offset, needed).map(({ id, score }) => ({ ...items.get(id)!, score }));
    if (renew !== undefined && page.length > 0)
      await own.batch(page.map(({ namespace, key }) => ({ namespace, key, ...renew }) as GetOperation));
    return page;
  };
  if (mode === "text") return found(byText);
  const near = await own.search([...prefix], { ...filtered, query, limit: Math.max(needed, FUSED) });
  const byVector = near.flatMap((item) => (item.score === undefined ? [] : [{ id: pathOf(item), score: item.score }]));
  for (const item of near) items.set(pathOf(item), item);
  // The same for every page: pages of rankings that were fused to other depths would overlap.
  const nearest = byVector.slice(0, FUSED);
  const fused = fuse([
    { scored: nearest, floor: nearest.at(-1)?.score ?? 0 },
    { scored: byText.slice(0, FUSED), floor: 0 },
  ]);
  const ranked = new Set(fused.map(({ id }) => id));
  const farther = byVector.slice(FUSED).filter(({ id }) => !ranked.has(id));
  return found([...fused, ...farther.map(({ id }) => ({ id, score: 0 }))]);
}

/** The latest indexes, so that a bank which is searched again, or forked, is not read anew. */
const indexes = new Map<string, TextIndex>();

/** @param key of texts that mostly stay the same: those of other banks begin with another one. */
function indexOf(key: string, texts: readonly IndexedText[]): TextIndex {
  const index = indexes.get(key) ?? new TextIndex();
  indexes.delete(key);
  indexes.set(key, index);
  if (indexes.size > KEPT_INDEXES) indexes.delete(indexes.keys().next().value!);
  index.update(texts);
  return index;
}

async function allItems(store: BaseStore, prefix: Namespace, options: SearchOptions): Promise<ScoredItem[]> {
  const items: ScoredItem[] = [];
  for (let offset = 0; ; offset += PAGE) {
    const page = await store.search([...prefix], { ...options, limit: PAGE, offset });
    items.push(...page);
    if (page.length < PAGE) return items;
  }
}

function pathOf({ namespace, key }: ScoredItem): string {
  return itemPath(namespace, key);
}
