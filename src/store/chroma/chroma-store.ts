import type { Embeddings } from "@langchain/core/embeddings";
import {
  BaseStore,
  type GetOperation,
  type Item,
  type ListNamespacesOperation,
  type Operation,
  type OperationResults,
  type SearchOperation,
} from "@langchain/langgraph";
import type { ChromaClient } from "chromadb";
import { checkNamespace } from "../namespace.js";
import { type ScoredItem, sortBatch } from "../operations.js";
import { hybridSearch } from "../search/hybrid-search.js";
import type { SearchMode } from "../search/search-mode.js";
import { embedPuts, type VectorIndex } from "../search/vectors.js";
import { KeyedSerial } from "../serial.js";
import { sweepInterval, type TtlOptions, type TtlPutOptions, type TtlReadOptions } from "../ttl.js";
import { type ChromaAccess, chromaClient } from "./chroma-client.js";
import { type OpenCollection, openCollection } from "./chroma-collection.js";
import { guarded, isGone } from "./chroma-errors.js";
import { KnownHeads, knownHead } from "./chroma-heads.js";
import { type ChromaLimits, limitsOf, pagesOf } from "./chroma-limits.js";
import { listNamespaces } from "./chroma-namespaces.js";
import { decodeRow, type Head, isHead, itemId } from "./chroma-rows.js";
import { type Found, idOf, type SearchContext, searchRows } from "./chroma-search.js";
import { isExpired, refreshRows, sweepRows } from "./chroma-ttl.js";
import { type WriteContext, writePuts } from "./chroma-write.js";

export interface ChromaStoreOptions extends ChromaAccess {
  /** A client of your own, such as a CloudClient; else one for `url`, `tenant`, `database` and `headers`. */
  readonly client?: ChromaClient;
  /** Default: "http://127.0.0.1:8000". */
  readonly url?: string;
  /** Remedy in the error for an unreachable server. Default: start it, or fix or unset CHROMA_URL. */
  readonly unreachableRemedy?: string;
  readonly collection?: string;
  readonly embeddings: Embeddings;
  /** `fields`: LangGraph index paths that are embedded by default, one vector for each text they select. */
  readonly index?: { readonly fields?: readonly string[] };
  /** How long items live. Default: for ever. */
  readonly ttl?: TtlOptions;
  /** Limits of the service. Default: `cloudLimits` for a CloudClient, else `serverLimits`. */
  readonly limits?: Partial<ChromaLimits>;
  readonly now?: () => Date;
}

export interface ChromaSearchOptions extends TtlReadOptions {
  readonly filter?: Record<string, unknown>;
  readonly limit?: number;
  readonly offset?: number;
  readonly query?: string;
  /** Default "vector". Words are searched in the index fields, which reads all items below the prefix. */
  readonly mode?: SearchMode;
}

/**
 * LangGraph's BaseStore over a Chroma server or Chroma Cloud, with the semantics of LangGraph's InMemoryStore and the
 * time to live of LangGraph for Python. Deliberate differences: a namespace is listed only while it holds an item; an
 * item's vectors are replaced by every put; after the scored items of a query, items without a vector are paged like the
 * rest; filters reach into objects, and refuse an unknown operator.
 *
 * A write resolves once the server has it. The puts of a batch that fit one request (`limits.records` rows) are written
 * all or not at all, then its deletes; a larger batch is several requests. Writes of one key are applied in their order.
 * Nothing connects before the first operation. All server errors are thrown as StoreError with their cause.
 */
export class ChromaStore extends BaseStore {
  /** How items are embedded, as an OverlayStore over this store must embed them too. */
  readonly vectorIndex: VectorIndex;
  readonly #client: ChromaClient;
  readonly #where: string;
  readonly #unreachable: string | undefined;
  readonly #collectionName: string;
  readonly #limits: ChromaLimits;
  readonly #ttl: TtlOptions;
  readonly #now: () => Date;
  readonly #writes = new KeyedSerial();
  readonly #known = new KnownHeads();
  #opened: Promise<OpenCollection> | undefined;
  #sweeper: NodeJS.Timeout | undefined;

  constructor({
    client,
    url = "http://127.0.0.1:8000",
    unreachableRemedy,
    collection = "langgraph-memory-r1",
    embeddings,
    index = {},
    ttl = {},
    limits = {},
    now = () => new Date(),
    ...access
  }: ChromaStoreOptions) {
    super();
    this.vectorIndex = { embeddings, ...index };
    this.#client = client ?? chromaClient(url, access);
    this.#where = client === undefined ? url : "the given Chroma client";
    this.#unreachable = unreachableRemedy;
    this.#collectionName = collection;
    this.#limits = { ...limitsOf(this.#client), ...limits };
    this.#ttl = ttl;
    this.#now = now;
  }

  /** Connects, checks or creates the collection (every operation does so itself), and starts sweeping if `ttl` asks for it. */
  override async start(): Promise<void> {
    const interval = sweepInterval(this.#ttl);
    await this.#open();
    if (interval === undefined || this.#sweeper !== undefined) return;
    // A sweep that fails is made up for by the next one.
    this.#sweeper = setInterval(() => void this.sweep().catch(() => undefined), interval).unref();
  }

  /** Stops the sweeping that `start` began. */
  override stop(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  override async get(namespace: string[], key: string, options: TtlReadOptions = {}): Promise<Item | null> {
    const [item] = await this.batch([{ namespace, key, ...options } as GetOperation]);
    return item ?? null;
  }

  override async search(
    prefix: string[],
    { mode = "vector", ...options }: ChromaSearchOptions = {},
  ): Promise<ScoredItem[]> {
    const { query } = options;
    if (mode === "vector" || query === undefined) {
      const [found = []] = await this.batch([{ namespacePrefix: prefix, ...options } as SearchOperation]);
      return found;
    }
    const renew = this.#refreshes(options) ? { renew: { refreshTtl: true } } : {};
    return hybridSearch(this, prefix, { ...options, query, mode, fields: this.vectorIndex.fields ?? ["$"], ...renew });
  }

  override async put(
    namespace: string[],
    key: string,
    value: Record<string, unknown>,
    index?: false | string[],
    { ttl }: TtlPutOptions = {},
  ): Promise<void> {
    if (ttl === undefined) return super.put(namespace, key, value, index);
    checkNamespace(namespace, { allowReservedRoot: false });
    await this.batch([{ namespace, key, value, ttl, ...(index === undefined ? {} : { index }) }]);
  }

  /** Deletes expired items; resolves to their number. */
  async sweep(): Promise<number> {
    const opened = await this.#open();
    const context = { ...this.#writeContext(opened), run: this.#writes.run.bind(this.#writes) };
    return this.#guarded("sweeping", () => sweepRows(context));
  }

  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const { gets, searches, lists, puts } = sortBatch(operations);
    const opened = await this.#open();
    const results: (Item | ScoredItem[] | string[][] | null)[] = operations.map(() => null);
    await this.#guarded("reading", async () => {
      const read: Head[] = [];
      const ids = gets.map(({ op }) => itemId(op.namespace, op.key));
      const heads = await this.#heads(opened, ids);
      for (const [index, { at, op }] of gets.entries()) {
        const head = heads.get(ids[index]!);
        if (head === undefined || !this.#isVisible(head)) continue;
        results[at] = head.item;
        if (this.#refreshes(op as TtlReadOptions)) read.push(head);
      }
      for (const { at, op } of searches) {
        const found = await this.#search(opened, op);
        results[at] = found.map(({ head, score }) => ({ ...head.item, ...(score === undefined ? {} : { score }) }));
        if (this.#refreshes(op as TtlReadOptions)) read.push(...found.map(({ head }) => head));
      }
      for (const { at, op } of lists) results[at] = await this.#list(opened, op);
      await this.#refresh(opened, read);
    });
    if (puts.length > 0) {
      const keys = puts.map(({ namespace, key }) => itemId(namespace, key));
      await this.#writes.run(keys, () =>
        this.#guarded("writing", () =>
          writePuts(this.#writeContext(opened), puts, () => embedPuts(puts, this.vectorIndex)),
        ),
      );
    }
    return results as OperationResults<Op>;
  }

  #open(): Promise<OpenCollection> {
    this.#opened ??= openCollection(
      this.#client,
      this.#collectionName,
      this.vectorIndex.embeddings,
      this.#where,
      this.#unreachable,
    ).catch((error: unknown) => {
      // The server may be there at the next try.
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #guarded<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await guarded(what, `${this.#where}, collection "${this.#collectionName}"`, call, this.#unreachable);
    } catch (error) {
      if (isGone(error)) {
        // Someone deleted the collection: the next operation makes it anew.
        this.#opened = undefined;
        this.#known.clear();
      }
      throw error;
    }
  }

  async #heads({ collection }: OpenCollection, ids: readonly string[]): Promise<Map<string, Head>> {
    const heads = new Map<string, Head>();
    for (const page of pagesOf([...new Set(ids)], this.#limits.results)) {
      const found = await collection.get({ ids: page, include: ["metadatas", "documents"] });
      for (const [at, id] of found.ids.entries()) {
        const head = decodeRow(found.metadatas[at], found.documents[at]);
        if (!isHead(head)) continue;
        heads.set(id, head);
        this.#known.remember(id, knownHead(head));
      }
    }
    return heads;
  }

  async #search(opened: OpenCollection, op: SearchOperation): Promise<Found[]> {
    const query = op.query ? await this.vectorIndex.embeddings.embedQuery(op.query) : undefined;
    const context: SearchContext = {
      collection: opened.collection,
      limits: this.#limits,
      heads: (ids) => this.#heads(opened, ids),
      isVisible: (head) => this.#isVisible(head),
    };
    const found = await searchRows(context, op, query);
    for (const { head } of found) this.#known.remember(idOf(head), knownHead(head));
    return found;
  }

  #list({ collection }: OpenCollection, op: ListNamespacesOperation): Promise<string[][]> {
    return listNamespaces(collection, op, this.#limits, (head) => this.#isVisible(head));
  }

  #isVisible(head: Head): boolean {
    return !(this.#ttl.omitExpired && isExpired(head, this.#now()));
  }

  #refreshes({ refreshTtl }: TtlReadOptions): boolean {
    return refreshTtl ?? this.#ttl.refreshOnRead ?? true;
  }

  async #refresh(opened: OpenCollection, heads: readonly Head[]): Promise<void> {
    const mortal = heads.filter(({ ttl }) => ttl !== undefined);
    if (mortal.length === 0) return;
    await this.#writes.run(mortal.map(idOf), () => refreshRows(this.#writeContext(opened), mortal));
  }

  #writeContext(opened: OpenCollection): WriteContext {
    const limits = { ...this.#limits, records: Math.min(this.#limits.records, opened.maxBatch) };
    return {
      ...opened,
      limits,
      ttl: this.#ttl,
      known: this.#known,
      heads: (ids) => this.#heads(opened, ids),
      now: this.#now,
    };
  }
}
