import type { Embeddings } from "@langchain/core/embeddings";
import {
  BaseStore,
  type GetOperation,
  type Item,
  type ListNamespacesOperation,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchOperation,
} from "@langchain/langgraph";
import { matchesFilter } from "./filter.js";
import { itemPath, listPage, type Namespace, startsWith } from "./namespace.js";
import { type ScoredItem, sortBatch } from "./operations.js";
import { ownStore } from "./own-store.js";
import { cosineSimilarity, embedPuts, type VectorIndex } from "./search/vectors.js";
import { Serial } from "./serial.js";
import { UNTOUCHED } from "./ttl.js";

export interface OverlayStoreOptions {
  /** Default: how the base embeds, where it is a ChromaStore, an OverlayStore, or an InMemoryStore with an index. */
  readonly embeddings?: Embeddings;
  readonly fields?: readonly string[];
  readonly now?: () => Date;
}

/** What the overlay holds for a key: an item with its vectors, or the fact that it was deleted. */
interface Entry {
  readonly namespace: Namespace;
  readonly key: string;
  /** Undefined: deleted. */
  readonly item: Item | undefined;
  readonly vectors: readonly number[][];
  /** The item still stands at the base's place in an unranked search: overwritten, never deleted in between. */
  readonly inPlace: boolean;
}

const PAGE = 500;

/**
 * A copy-on-write fork of any store (including the one that a graph node receives): reads fall through to the base,
 * writes and deletes stay here, and the base is never written. Creating one costs nothing, so that each of many what-if
 * runs can have its own. The base must not change while its forks are read. Reading a fork renews no time to live in the
 * base. Items are copied on their way in and out.
 */
export class OverlayStore extends BaseStore {
  readonly vectorIndex: VectorIndex | undefined;
  readonly #base: BaseStore;
  readonly #entries = new Map<string, Entry>();
  readonly #writes = new Serial();
  readonly #now: () => Date;

  constructor(base: BaseStore, { embeddings, fields, now = () => new Date() }: OverlayStoreOptions = {}) {
    super();
    const wrapped = ownStore(base);
    const inherited = indexOf(wrapped);
    const own = embeddings ?? inherited?.embeddings;
    const paths = fields ?? inherited?.fields;
    this.vectorIndex =
      own === undefined ? undefined : { embeddings: own, ...(paths === undefined ? {} : { fields: paths }) };
    this.#base = wrapped;
    this.#now = now;
  }

  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const { gets, searches, lists, puts } = sortBatch(operations);
    const results: (Item | ScoredItem[] | string[][] | null)[] = operations.map(() => null);
    for (const { at, op } of gets) results[at] = await this.#get(op.namespace, op.key);
    for (const { at, op } of searches) results[at] = await this.#search(op);
    for (const { at, op } of lists) results[at] = await this.#list(op);
    if (puts.length > 0) await this.#writes.run(() => this.#write(puts));
    return results as OperationResults<Op>;
  }

  async #get(namespace: string[], key: string): Promise<Item | null> {
    const entry = this.#entries.get(itemPath(namespace, key));
    if (entry !== undefined) return entry.item === undefined ? null : copy(entry.item);
    const [found = null] = await this.#base.batch([{ namespace, key, ...UNTOUCHED } as GetOperation]);
    return found === null ? null : copy(found);
  }

  async #write(puts: readonly PutOperation[]): Promise<void> {
    const vectors = this.vectorIndex === undefined ? puts.map(() => []) : await embedPuts(puts, this.vectorIndex);
    const before = await Promise.all(puts.map(({ namespace, key }) => this.#get(namespace, key)));
    const updatedAt = this.#now();
    for (const [at, { namespace, key, value }] of puts.entries()) {
      const path = itemPath(namespace, key);
      const previous = before[at] ?? undefined;
      const held = this.#entries.get(path);
      const inPlace = held === undefined ? previous !== undefined : held.inPlace && held.item !== undefined;
      const createdAt = previous?.createdAt ?? updatedAt;
      const item = value === null ? undefined : copy({ namespace, key, value, createdAt, updatedAt });
      // A key that comes back after a delete is a new item, at the end.
      if (held !== undefined && held.item === undefined) this.#entries.delete(path);
      this.#entries.set(path, { namespace, key, item, vectors: vectors[at]!, inPlace });
    }
  }

  async #search(op: SearchOperation): Promise<ScoredItem[]> {
    const { namespacePrefix, filter, query, offset = 0, limit = 10 } = op;
    const entries = [...this.#entries.values()].filter(({ namespace }) => startsWith(namespace, namespacePrefix));
    const needed = offset + limit;
    // Each entry may stand for one item of the base, which must then not be counted.
    const [found = []] = await this.#base.batch([
      { ...op, ...UNTOUCHED, offset: 0, limit: needed + entries.length } as SearchOperation,
    ]);
    const ranked = query && this.vectorIndex ? await this.vectorIndex.embeddings.embedQuery(query) : undefined;
    const own = entries.flatMap(({ item, vectors, inPlace }) => {
      if (item === undefined || !matchesFilter(item.value, filter)) return [];
      return [{ inPlace, item: ranked === undefined || vectors.length === 0 ? item : scored(item, vectors, ranked) }];
    });
    const base: ScoredItem[] = found.filter(({ namespace, key }) => !this.#entries.has(itemPath(namespace, key)));
    const merged = ranked === undefined ? this.#unranked(found, own) : [...base, ...own.map(({ item }) => item)];
    return merged.sort(byScore).slice(offset, needed).map(copy);
  }

  /** The base's order, with overwritten items at their places; the overlay's new items follow. */
  #unranked(found: readonly ScoredItem[], own: readonly { item: ScoredItem; inPlace: boolean }[]): ScoredItem[] {
    const overwritten = new Map(
      own.filter(({ inPlace }) => inPlace).map(({ item }) => [itemPath(item.namespace, item.key), item]),
    );
    const placed = found.flatMap((item) => {
      const path = itemPath(item.namespace, item.key);
      if (!this.#entries.has(path)) return [item];
      const replacement = overwritten.get(path);
      overwritten.delete(path);
      return replacement === undefined ? [] : [replacement];
    });
    // What the filter let through only since it was overwritten has no place in what the base found.
    const rest = own.map(({ item }) => item).filter((item) => !placed.includes(item));
    return [...placed, ...rest];
  }

  async #list(op: ListNamespacesOperation): Promise<string[][]> {
    const conditions = op.matchConditions;
    const namespaces: Namespace[] = [];
    for (let offset = 0; ; offset += PAGE) {
      const page = { matchConditions: conditions, limit: PAGE, offset } as ListNamespacesOperation;
      const [found = []] = await this.#base.batch([page]);
      namespaces.push(...found);
      if (found.length < PAGE) break;
    }
    const live = [...this.#entries.values()].flatMap(({ namespace, item }) => (item === undefined ? [] : [namespace]));
    const emptied = await Promise.all(namespaces.map((namespace) => this.#isEmptied(namespace)));
    return listPage([...namespaces.filter((_, at) => !emptied[at]), ...live], op);
  }

  /** Whether this overlay deleted all that the base holds in exactly this namespace. */
  async #isEmptied(namespace: Namespace): Promise<boolean> {
    const held = [...this.#entries.values()].filter(
      (entry) => itemPath(entry.namespace, "") === itemPath(namespace, ""),
    );
    if (!held.some(({ item }) => item === undefined)) return false;
    for (let offset = 0; ; offset += PAGE) {
      const page = { namespacePrefix: [...namespace], limit: PAGE, offset, ...UNTOUCHED };
      const [found = []] = await this.#base.batch([page as SearchOperation]);
      const remains = found.some(
        (item) => item.namespace.length === namespace.length && !this.#entries.has(itemPath(item.namespace, item.key)),
      );
      if (remains) return false;
      if (found.length < PAGE) return true;
    }
  }
}

function indexOf(base: BaseStore): VectorIndex | undefined {
  const { vectorIndex, indexConfig } = base as { vectorIndex?: VectorIndex; indexConfig?: VectorIndex };
  return vectorIndex ?? indexConfig;
}

function scored(item: Item, vectors: readonly number[][], query: readonly number[]): ScoredItem {
  return { ...item, score: Math.max(...vectors.map((vector) => cosineSimilarity(query, vector))) };
}

function byScore(left: ScoredItem, right: ScoredItem): number {
  return (right.score ?? Number.NEGATIVE_INFINITY) - (left.score ?? Number.NEGATIVE_INFINITY) || 0;
}

function copy<T extends Item>(item: T): T {
  return { ...item, namespace: [...item.namespace], value: structuredClone(item.value) };
}
