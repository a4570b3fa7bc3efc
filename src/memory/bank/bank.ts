import { randomUUID } from "node:crypto";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseStore } from "@langchain/langgraph";
import { UsageError } from "../../errors.js";
import type { Change, MemoryValue, RetrievedMemory, Turn, UndoPayload } from "../../trace/episode.js";
import { withAdjacent } from "./adjacent.js";
import type { ApplyOptions, MemoryBankOptions, RetrieveOptions } from "./bank-options.js";
import { type ReadOptions, readMemories } from "./bank-reader.js";
import { bankSteps, bankWrites } from "./bank-serial.js";
import { expectUnchanged } from "./conflict.js";
import { BankHistory } from "./history.js";
import type { HistoryEntry, HistoryFilter, Provenance } from "./history-entry.js";
import type { Operation } from "./operation.js";
import { planChanges } from "./plan-changes.js";
import { deletions, nextOrders } from "./recent.js";
import { recoverOnce } from "./recover-once.js";
import { byOrder, byRelevance, type ScoredMemory } from "./scored-memory.js";
import { memoriesAt, planUndo } from "./undo.js";
import { tellUndo } from "./undo-event.js";

/** Memories fetched beyond the limit, so that ties at it are decided here and not by the store. */
const TIES = 20;

/** Memories that lend their score to those around them. */
const SCORED = 100;

/**
 * The memories in one namespace of a LangGraph store. With `history`, each change is written to a journal before it is
 * made, and a change that a crash interrupted is completed before the bank is next read or written.
 *
 * Within one process, writes to a bank run one after another. Only one process may write to a bank, because a store has
 * no compare-and-swap: `apply` detects a change by another process if it came before its check, but not between its check
 * and its write. A process that opens a history also completes what another one is just writing, as if that one had
 * crashed.
 */
export class MemoryBank {
  readonly namespace: readonly string[];
  readonly #store: BaseStore;
  readonly #id: () => string;
  readonly #history: BankHistory | undefined;
  readonly #shared: readonly (readonly string[])[];

  constructor({ store, namespace, id = randomUUID, history = false, shared = [], now }: MemoryBankOptions) {
    this.#store = store;
    this.namespace = namespace;
    this.#id = id;
    this.#history = history ? new BankHistory({ store, namespace, ...(now === undefined ? {} : { now }) }) : undefined;
    this.#shared = shared;
  }

  /** The memories nearest to the query, best first; of equally near ones the newest first. */
  async retrieve(
    query: string,
    { limit, speaker, mode, adjacent = false, shared = false }: RetrieveOptions,
  ): Promise<ScoredMemory[]> {
    const options = { query, ...(mode === undefined ? {} : { mode }) };
    const filter = speaker === undefined ? {} : { filter: { speaker } };
    const near = async (namespace: readonly string[]) => {
      if (!adjacent) return this.#read(namespace, limit + TIES, { ...options, ...filter });
      const scored = withAdjacent(await this.#read(namespace, SCORED, options), await this.#read(namespace));
      return scored.filter(({ value }) => speaker === undefined || value.speaker === speaker);
    };
    const found = await near(this.namespace);
    for (const namespace of shared ? this.#shared : [])
      found.push(...(await near(namespace)).map((memory) => ({ ...memory, namespace })));
    const ranked = found.every(({ score }) => score !== undefined) ? found.sort(byRelevance) : found;
    return ranked.slice(0, limit);
  }

  /** All memories of this bank, without the shared namespaces, oldest first. */
  async list(): Promise<ScoredMemory[]> {
    const memories = await this.#read(this.namespace);
    return memories.sort(byOrder);
  }

  /** Speakers who have memories, ordered by their oldest memory. With `shared`, those of shared memories follow. */
  async speakers({ shared = false }: Pick<RetrieveOptions, "shared"> = {}): Promise<string[]> {
    const memories = await this.list();
    for (const namespace of shared ? this.#shared : []) memories.push(...(await this.#read(namespace)).sort(byOrder));
    return [...new Set(memories.map(({ value }) => value.speaker))];
  }

  /**
   * An order greater than that of any memory in the bank. The whole bank is read once per process; afterwards one filtered
   * search checks that nothing was added.
   */
  async nextOrder(): Promise<number> {
    const known = nextOrders.get(this.#store, this.namespace);
    if (
      known !== undefined &&
      (await this.#read(this.namespace, 1, { filter: { order: { $gte: known } } })).length === 0
    )
      return known;
    const last = (await this.list()).at(-1);
    const next = last === undefined ? 0 : last.value.order + 1;
    nextOrders.remember(this.#store, this.namespace, next);
    return next;
  }

  /**
   * Applies a decision to the memories that were retrieved for it, with one write. The changes' `before` is what was
   * retrieved; it is checked again just before the write.
   * @throws UsageError if an operation names a memory that was not retrieved, ConflictError if that memory was changed
   * since. In both cases nothing is applied.
   */
  async apply(
    operations: readonly Operation[],
    retrieved: readonly RetrievedMemory[],
    turn: Turn,
    options: ApplyOptions = {},
  ): Promise<Change[]> {
    return bankWrites.run(this.#store, this.namespace, () => this.#apply(operations, retrieved, turn, options));
  }

  async #apply(
    operations: readonly Operation[],
    retrieved: readonly RetrievedMemory[],
    turn: Turn,
    { order, key = () => this.#id(), words = false, provenance = {} }: ApplyOptions,
  ): Promise<Change[]> {
    if (operations.every(({ event }) => event === "NOOP")) return [];
    const place = order ?? (await this.nextOrder());
    const changes = planChanges(operations, retrieved, turn, { order: place, key, words });
    const step = provenance.step ?? turn.id;
    await this.#ready();
    await expectUnchanged(this.#store, this.namespace, changes, step);
    for (const { event, key } of changes) {
      if (event === "DELETE") deletions.remember(this.#store, [...this.namespace, key], step);
    }
    await this.#change(changes, { turn: turn.id, ...provenance });
    return changes;
  }

  /**
   * Runs a whole step on the bank, from retrieval to write, after this process's earlier steps on it. A step must not
   * await another one on the same bank.
   */
  runExclusive<T>(task: () => Promise<T>): Promise<T> {
    return bankSteps.run(this.#store, this.namespace, task);
  }

  /** The recorded changes of the bank's memories, oldest first. @throws UsageError without `history`. */
  async history(filter: HistoryFilter = {}): Promise<HistoryEntry[]> {
    const history = this.#requireHistory();
    await this.#ready();
    return history.entries(filter);
  }

  /** Adds a step's reward to its history entries. @throws UsageError if it is not finite, or without `history`. */
  async reward(step: string, name: string, value: number): Promise<void> {
    const history = this.#requireHistory();
    if (!Number.isFinite(value)) {
      throw new UsageError({
        what: `the reward "${name}" cannot be kept`,
        where: `step ${step}`,
        expected: "a finite number",
        found: String(value),
        remedy: "leave out a reward that could not be computed",
      });
    }
    await bankWrites.run(this.#store, this.namespace, async () => {
      await this.#ready();
      await history.reward(step, name, value);
    });
  }

  /**
   * Undoes the changes that the filter selects: one by its id, or those of a step, a turn or a source. The memories
   * return to their previous values. The undo is itself recorded, so that it can be undone. It waits for steps under way;
   * do not wait for it inside of one.
   * @param config pass the same callbacks as for the graph's runs: a replay is exact only if the recorder sees the undo.
   * @throws UsageError if one of the memories was changed later by an entry that is not selected, or without `history`;
   * nothing is undone then.
   */
  async undo(filter: HistoryFilter, config: RunnableConfig = {}): Promise<Change[]> {
    return this.runExclusive(async () => {
      const undo = await bankWrites.run(this.#store, this.namespace, () => this.#undo(filter));
      if (undo.changes.length > 0) await tellUndo({ ...undo, namespace: [...this.namespace] }, config);
      return undo.changes;
    });
  }

  async #undo(filter: HistoryFilter): Promise<Pick<UndoPayload, "id" | "undoes" | "changes">> {
    const selected = new Set((await this.history(filter)).map(({ id }) => id));
    const plans = planUndo(await this.history(), selected, await this.#values());
    const undoes = new Map(plans.map(({ change, undoes }) => [change, undoes]));
    const changes = [...undoes.keys()];
    const id = this.#id();
    if (changes.length > 0) await this.#change(changes, { step: id }, (change) => undoes.get(change)!);
    return { id, undoes: plans.flatMap((plan) => plan.undoes), changes };
  }

  /** The memories as they were at a point in time, oldest first. @throws UsageError without `history`. */
  async asOf(time: Date): Promise<ScoredMemory[]> {
    const memories = memoriesAt(await this.history(), await this.#values(), time);
    return [...memories].map(([key, value]) => ({ key, value })).sort(byOrder);
  }

  /**
   * Writes changes as they are, with one `batch`: the last step of `apply`, and of a replay.
   * @internal Bypasses history and conflict checks; use `apply`.
   */
  async write(changes: readonly Change[]): Promise<void> {
    await this.#store.batch(
      changes.map(({ key, after }) => ({
        namespace: [...this.namespace],
        key,
        value: after,
        index: after?.said === undefined ? ["text"] : ["text", "said"],
      })),
    );
    const known = nextOrders.get(this.#store, this.namespace);
    if (known === undefined) return;
    const orders = changes.flatMap(({ after }) => (after === null ? [] : [after.order + 1]));
    nextOrders.remember(this.#store, this.namespace, Math.max(known, ...orders));
  }

  /** With a history: what is about to be changed is written down first, and marked as done afterwards. */
  async #change(
    changes: readonly Change[],
    given: Partial<Provenance>,
    undoes?: (change: Change) => string[],
  ): Promise<void> {
    if (this.#history === undefined) return this.write(changes);
    await this.#ready();
    const unknown = { turn: null, source: null, call: null, policyVersion: null, probability: null };
    const provenance: Provenance = { ...unknown, ...given, step: given.step ?? this.#id() };
    try {
      const entries = await this.#history.begin(changes, provenance, undoes);
      await this.write(changes);
      await this.#history.end(entries);
    } catch (error) {
      recoverOnce.forget(this.#store, this.namespace);
      throw error;
    }
  }

  async #ready(): Promise<void> {
    const history = this.#history;
    if (history === undefined) return;
    await recoverOnce.run(this.#store, this.namespace, () => history.recover((changes) => this.write(changes)));
  }

  #requireHistory(): BankHistory {
    if (this.#history !== undefined) return this.#history;
    throw new UsageError({
      what: "the bank keeps no history",
      where: this.namespace.join("/"),
      remedy: "make it with `history: true`, and the agents that write to it too",
    });
  }

  async #values(): Promise<Map<string, MemoryValue>> {
    return new Map((await this.list()).map(({ key, value }) => [key, value]));
  }

  async #read(
    namespace: readonly string[],
    limit = Number.POSITIVE_INFINITY,
    options: ReadOptions = {},
  ): Promise<ScoredMemory[]> {
    await this.#ready();
    return readMemories(this.#store, namespace, limit, options);
  }
}
