import type { Embeddings } from "@langchain/core/embeddings";
import {
  BaseStore,
  type Item,
  type ListNamespacesOperation,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchOperation,
} from "@langchain/langgraph";
import type { ChromaClient } from "chromadb";
import { chromaClient } from "./chroma-client.js";
import { type OpenCollection, openCollection } from "./chroma-collection.js";
import { guarded } from "./chroma-errors.js";
import {
  decodeHead,
  decodeNamespace,
  encodeRows,
  type Head,
  itemId,
  type Row,
  rowId,
  whereRows,
} from "./chroma-rows.js";
import { searchRows } from "./chroma-search.js";
import { listPage } from "./namespace.js";
import { type ScoredItem, sortBatch } from "./operations.js";
import { Serial } from "./serial.js";
import { embedPuts, type VectorIndex } from "./vectors.js";

export interface ChromaStoreOptions {
  /** A client of your own (headers, tenant, database); else `url`. */
  readonly client?: ChromaClient;
  /** Default: "http://127.0.0.1:8000". */
  readonly url?: string;
  readonly collection?: string;
  readonly embeddings: Embeddings;
  /** `fields`: LangGraph index paths that are embedded by default, one vector for each text they select. */
  readonly index?: { readonly fields?: readonly string[] };
  /** Most rows in one request, below the server's own limit. */
  readonly pageSize?: number;
  readonly now?: () => Date;
}

/**
 * LangGraph's BaseStore over a Chroma server, with the semantics of LangGraph's InMemoryStore. Differences, on purpose:
 * a namespace is listed only while it holds an item; an item's vectors are replaced by every put; after the scored
 * items of a query, items without a vector are paged like the rest.
 *
 * A write resolves after the server has it. One request (up to `pageSize` rows) is written whole or not at all; a
 * batch of more rows is several requests. Nothing connects before the first operation.
 * All errors of the server come out as StoreError with their cause.
 */
export class ChromaStore extends BaseStore {
  /** How items are embedded, as an OverlayStore over this store must embed them too. */
  readonly vectorIndex: VectorIndex;
  readonly #client: ChromaClient;
  readonly #where: string;
  readonly #collectionName: string;
  readonly #pageSize: number;
  readonly #now: () => Date;
  readonly #writes = new Serial();
  #opened: Promise<OpenCollection> | undefined;

  constructor({
    client,
    url = "http://127.0.0.1:8000",
    collection = "langgraph-memory-r1",
    embeddings,
    index = {},
    pageSize = 500,
    now = () => new Date(),
  }: ChromaStoreOptions) {
    super();
    this.vectorIndex = { embeddings, ...index };
    this.#client = client ?? chromaClient(url);
    this.#where = client === undefined ? url : "the given Chroma client";
    this.#collectionName = collection;
    this.#pageSize = pageSize;
    this.#now = now;
  }

  /** Connects, and checks or creates the collection; every operation does so by itself. */
  override async start(): Promise<void> {
    await this.#open();
  }

  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const { gets, searches, lists, puts } = sortBatch(operations);
    const opened = await this.#open();
    const results: (Item | ScoredItem[] | string[][] | null)[] = operations.map(() => null);
    await this.#guarded("reading", async () => {
      const ids = gets.map(({ op }) => itemId(op.namespace, op.key));
      const heads = await this.#heads(opened, ids);
      for (const [index, { at }] of gets.entries()) results[at] = heads.get(ids[index]!)?.item ?? null;
      for (const { at, op } of searches) results[at] = await this.#search(opened, op);
      for (const { at, op } of lists) results[at] = await this.#list(opened, op);
    });
    if (puts.length > 0) await this.#writes.run(() => this.#guarded("writing", () => this.#write(opened, puts)));
    return results as OperationResults<Op>;
  }

  #open(): Promise<OpenCollection> {
    this.#opened ??= openCollection(this.#client, this.#collectionName, this.vectorIndex.embeddings, this.#where).catch(
      (error: unknown) => {
        // The server may be there at the next try.
        this.#opened = undefined;
        throw error;
      },
    );
    return this.#opened;
  }

  #guarded<T>(what: string, call: () => Promise<T>): Promise<T> {
    return guarded(what, `${this.#where}, collection "${this.#collectionName}"`, call);
  }

  #pages<T>({ maxBatch }: OpenCollection, rows: readonly T[]): T[][] {
    const size = Math.min(this.#pageSize, maxBatch);
    return Array.from({ length: Math.ceil(rows.length / size) }, (_, page) =>
      rows.slice(page * size, (page + 1) * size),
    );
  }

  async #heads(opened: OpenCollection, ids: readonly string[]): Promise<Map<string, Head>> {
    const heads = new Map<string, Head>();
    for (const page of this.#pages(opened, [...new Set(ids)])) {
      const found = await opened.collection.get({ ids: page, include: ["metadatas", "documents"] });
      for (const [at, id] of found.ids.entries()) heads.set(id, decodeHead(found.metadatas[at], found.documents[at]));
    }
    return heads;
  }

  async #search(opened: OpenCollection, op: SearchOperation): Promise<ScoredItem[]> {
    const query = op.query ? await this.vectorIndex.embeddings.embedQuery(op.query) : undefined;
    const heads = (ids: readonly string[]) => this.#heads(opened, ids);
    return searchRows({ collection: opened.collection, heads, pageSize: this.#pageSize }, op, query);
  }

  async #list({ collection }: OpenCollection, op: ListNamespacesOperation): Promise<string[][]> {
    const prefix = op.matchConditions?.find(({ matchType }) => matchType === "prefix")?.path ?? [];
    const where = whereRows(prefix, undefined, { row: 0 });
    const namespaces = new Map<string, string[]>();
    for (let offset = 0; ; offset += this.#pageSize) {
      const page = await collection.get({ where, limit: this.#pageSize, offset, include: ["metadatas"] });
      for (const metadata of page.metadatas) {
        const namespace = decodeNamespace(metadata);
        namespaces.set(namespace.join(":"), namespace);
      }
      if (page.ids.length < this.#pageSize) return listPage(namespaces.values(), op);
    }
  }

  async #write(opened: OpenCollection, puts: readonly PutOperation[]): Promise<void> {
    const vectors = await embedPuts(puts, this.vectorIndex);
    const heads = await this.#heads(
      opened,
      puts.map(({ namespace, key }) => itemId(namespace, key)),
    );
    const updatedAt = this.#now();
    const rows: Row[] = [];
    const stale: string[] = [];
    for (const [at, put] of puts.entries()) {
      const { value } = put;
      const id = itemId(put.namespace, put.key);
      const head = heads.get(id);
      const times = { createdAt: head?.item.createdAt ?? updatedAt, updatedAt };
      const own =
        value === null ? [] : encodeRows({ ...put, value }, vectors[at]!, { dimension: opened.dimension, ...times });
      rows.push(...own);
      for (let row = own.length; row < (head?.rows ?? 0); row += 1) stale.push(rowId(id, row));
    }
    // Stale rows go first: a crash in between costs an item its further vectors, but none ever shows an older text.
    for (const ids of this.#pages(opened, stale)) await opened.collection.delete({ ids });
    for (const page of this.#pages(opened, rows)) {
      await opened.collection.upsert({
        ids: page.map(({ id }) => id),
        embeddings: page.map(({ embedding }) => embedding),
        metadatas: page.map(({ metadata }) => metadata),
        documents: page.map(({ document }) => document),
      });
    }
  }
}
