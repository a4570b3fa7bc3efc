import { randomUUID } from "node:crypto";
import type { BaseStore } from "@langchain/langgraph";
import { StoreError, UsageError } from "../errors.js";
import { type Change, type MemoryValue, memoryValueSchema, type RetrievedMemory, type Turn } from "../trace/episode.js";
import type { Operation } from "./operation.js";

export interface ScoredMemory {
  readonly key: string;
  readonly value: MemoryValue;
  /** Similarity to the query, higher is nearer; absent where the store does not rank. */
  readonly score?: number;
}

export interface RetrieveOptions {
  /** Most memories to return. */
  readonly limit: number;
  /** Only memories of this speaker. */
  readonly speaker?: string;
}

export interface ApplyOptions {
  /** Place of the turn in the bank's history; by default after all that the bank holds. */
  readonly order?: number;
  /** Key of the n-th memory that this step adds; by default the bank's id factory. */
  readonly key?: (added: number) => string;
}

export interface MemoryBankOptions {
  readonly store: BaseStore;
  readonly namespace: readonly string[];
  readonly id?: () => string;
}

const PAGE = 200;

/** Memories fetched beyond the limit, so that ties at it are decided here and not by the store. */
const TIES = 20;

/** Scores that agree to this many parts of one count as equal: stores compute them in different precision. */
const SCORE_STEPS = 1e5;

type FoundItem = Awaited<ReturnType<BaseStore["search"]>>[number];

/** The memories of one namespace of a LangGraph store. One writer at a time is assumed. */
export class MemoryBank {
  readonly namespace: readonly string[];
  readonly #store: BaseStore;
  readonly #id: () => string;

  constructor({ store, namespace, id = randomUUID }: MemoryBankOptions) {
    this.#store = store;
    this.namespace = namespace;
    this.#id = id;
  }

  /** Memories nearest to the query, best first; of equally near ones the newest. */
  async retrieve(query: string, { limit, speaker }: RetrieveOptions): Promise<ScoredMemory[]> {
    const filter = speaker === undefined ? {} : { filter: { speaker } };
    const found = await this.#search(limit + TIES, { query, ...filter });
    const ranked = found.every(({ score }) => score !== undefined) ? found.sort(byRelevance) : found;
    return ranked.slice(0, limit);
  }

  /** All memories, oldest first. */
  async list(): Promise<ScoredMemory[]> {
    const memories = await this.#search(Number.POSITIVE_INFINITY, {});
    return memories.sort(byOrder);
  }

  /** Speakers who have memories, in the order of their oldest one. */
  async speakers(): Promise<string[]> {
    return [...new Set((await this.list()).map(({ value }) => value.speaker))];
  }

  /** An order that is greater than that of every memory in the bank. */
  async nextOrder(): Promise<number> {
    const memories = await this.list();
    return memories.length === 0 ? 0 : memories[memories.length - 1]!.value.order + 1;
  }

  /**
   * Applies a decision to the memories that were retrieved for it, with one write.
   * The changes' `before` is what was retrieved.
   * @throws UsageError when an operation names something that was not retrieved; nothing is applied then.
   */
  async apply(
    operations: readonly Operation[],
    retrieved: readonly RetrievedMemory[],
    turn: Turn,
    { order, key = () => this.#id() }: ApplyOptions = {},
  ): Promise<Change[]> {
    const changing = operations.filter((operation) => operation.event !== "NOOP");
    if (changing.length === 0) {
      return [];
    }
    const at = { time: turn.time, source: turn.id, order: order ?? (await this.nextOrder()) };
    const known = new Map(retrieved.map((memory) => [memory.alias, memory]));
    let added = 0;
    const changes = changing.map((operation): Change => {
      if (operation.event === "ADD") {
        const after = { text: operation.text, speaker: turn.speaker, ...at };
        return { event: "ADD", key: key(added++), before: null, after };
      }
      const memory = known.get(operation.id);
      if (memory === undefined) {
        throw new UsageError({
          what: `${operation.event} names a memory that was not retrieved`,
          where: `turn ${turn.id}`,
          expected: known.size === 0 ? "only ADD" : [...known.keys()].join(", "),
          found: operation.id,
          remedy: "check operations with parseOperations or checkOperations before applying them",
        });
      }
      const before = memoryValue(memory);
      const after = operation.event === "DELETE" ? null : { ...before, text: operation.text, ...at };
      return { event: operation.event, key: memory.key, before, after };
    });
    await this.write(changes);
    return changes;
  }

  /** Writes changes as they are, with one `batch`: the last step of `apply`, and of a replay. */
  async write(changes: readonly Change[]): Promise<void> {
    await this.#store.batch(
      changes.map(({ key, after }) => ({ namespace: [...this.namespace], key, value: after, index: ["text"] })),
    );
  }

  async #search(limit: number, query: { query?: string; filter?: { speaker: string } }): Promise<ScoredMemory[]> {
    const found: ScoredMemory[] = [];
    const page = Math.min(limit, PAGE);
    for (let offset = 0; found.length < limit; offset += page) {
      const items = await this.#store.search([...this.namespace], { ...query, limit: page, offset });
      // A store searches by prefix, so that banks below this one come along.
      const own = items.filter(({ namespace }) => isSameNamespace(namespace, this.namespace));
      found.push(...own.map((item) => this.#read(item)));
      if (items.length < page) {
        break;
      }
    }
    return found.slice(0, limit);
  }

  #read(item: FoundItem): ScoredMemory {
    const value = memoryValueSchema.safeParse(item.value);
    if (!value.success) {
      throw new StoreError({
        what: "the item is not a memory",
        where: `${this.namespace.join("/")}/${item.key}`,
        expected: "{ text, speaker, time, source, order }",
        found: Object.keys(item.value).join(", ") || "an empty object",
        remedy: "give the bank a namespace of its own",
      });
    }
    return { key: item.key, value: value.data, ...(item.score === undefined ? {} : { score: item.score }) };
  }
}

/** Oldest first; the key decides between memories of one turn, so that the order is the same in every store. */
export function byOrder(a: ScoredMemory, b: ScoredMemory): number {
  return a.value.order - b.value.order || (a.key < b.key ? -1 : 1);
}

/** Nearest first, then newest first, so that a replay over another store ranks alike. */
export function byRelevance(a: ScoredMemory, b: ScoredMemory): number {
  return rank(b) - rank(a) || b.value.order - a.value.order || (a.key < b.key ? -1 : 1);
}

function rank({ score = 0 }: ScoredMemory): number {
  return Math.round(score * SCORE_STEPS);
}

/** The memory without its alias and key. */
export function memoryValue({ text, speaker, time, source, order }: RetrievedMemory): MemoryValue {
  return { text, speaker, time, source, order };
}

function isSameNamespace(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((label, index) => label === b[index]);
}
