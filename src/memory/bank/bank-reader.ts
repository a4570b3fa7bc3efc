import type { BaseStore } from "@langchain/langgraph";
import { StoreError } from "../../errors.js";
import { hybridSearch } from "../../store/search/hybrid-search.js";
import type { SearchMode } from "../../store/search/search-mode.js";
import { type MemoryValue, memoryValueSchema } from "../../trace/episode.js";
import type { ScoredMemory } from "./scored-memory.js";

const PAGE = 200;

/** Where a query's words are looked for: questions ask for times too. */
const WORD_FIELDS = ["time", "text", "said"];

export interface ReadOptions {
  readonly query?: string;
  /** What ranks by the query. Default "vector". */
  readonly mode?: SearchMode;
  readonly filter?: { readonly speaker: string } | { readonly order: { readonly $gte: number } };
}

type FoundItem = Awaited<ReturnType<BaseStore["search"]>>[number];

/** The first memories of exactly this namespace, by the query where there is one. @throws StoreError for an item that is no memory. */
export async function readMemories(
  store: BaseStore,
  namespace: readonly string[],
  limit: number,
  { query, mode = "vector", filter }: ReadOptions = {},
): Promise<ScoredMemory[]> {
  const found: ScoredMemory[] = [];
  const page = Math.min(limit, PAGE);
  for (let offset = 0; found.length < limit; offset += page) {
    const options = { ...(filter === undefined ? {} : { filter }), limit: page, offset };
    const items =
      query === undefined
        ? await store.search([...namespace], options)
        : await hybridSearch(store, namespace, { ...options, query, mode, fields: WORD_FIELDS, renew: {} });
    // A store searches by prefix, so that banks below this one come along.
    const own = items.filter((item) => isSameNamespace(item.namespace, namespace));
    found.push(...own.map(memoryOf));
    if (items.length < page) break;
  }
  return found.slice(0, limit);
}

/** The memories of these keys; null where there is none. @throws StoreError for an item that is no memory. */
export async function readKeys(
  store: BaseStore,
  namespace: readonly string[],
  keys: readonly string[],
): Promise<(MemoryValue | null)[]> {
  const items = await store.batch(keys.map((key) => ({ namespace: [...namespace], key })));
  return items.map((item) => (item === null ? null : memoryOf(item).value));
}

function memoryOf({ namespace, key, value, score }: FoundItem): ScoredMemory {
  const parsed = memoryValueSchema.safeParse(value);
  if (parsed.success) return { key, value: parsed.data, ...(score === undefined ? {} : { score }) };
  throw new StoreError({
    what: "the item is not a memory",
    where: `${namespace.join("/")}/${key}`,
    expected: "{ text, speaker, time, source, order }",
    found: Object.keys(value).join(", ") || "an empty object",
    remedy: "give the bank a namespace of its own",
  });
}

function isSameNamespace(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((label, index) => label === b[index]);
}
