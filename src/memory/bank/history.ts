import type { BaseStore } from "@langchain/langgraph";
import { StoreError } from "../../errors.js";
import type { Change } from "../../trace/episode.js";
import { type HistoryEntry, type HistoryFilter, historyEntrySchema, type Provenance } from "./history-entry.js";
import { nextSequences } from "./recent.js";

/** First label of the namespaces that hold histories. They lie outside the banks, because a search in a bank reads everything below it. */
export const HISTORY_ROOT = "memory-history";

export interface BankHistoryOptions {
  readonly store: BaseStore;
  /** Of the bank. */
  readonly namespace: readonly string[];
  readonly now?: () => Date;
}

const PAGE = 200;
const PER_MILLISECOND = 1000;

/**
 * The journal of one bank, in the bank's own store. The entries of a step are written before its changes and marked as
 * applied after them, so that a crash in between is seen at the next start: a step with all its entries is finished, one
 * with some of them was never begun and is forgotten. Nothing is asked of the store but that one put is whole.
 */
export class BankHistory {
  readonly namespace: readonly string[];
  readonly #store: BaseStore;
  readonly #now: () => Date;

  constructor({ store, namespace, now = () => new Date() }: BankHistoryOptions) {
    this.namespace = [HISTORY_ROOT, ...namespace];
    this.#store = store;
    this.#now = now;
  }

  /** Writes down what is about to be changed. Entries of a step that runs again keep their time, place and rewards. */
  async begin(
    changes: readonly Change[],
    provenance: Provenance,
    undoes: (change: Change) => string[] = () => [],
  ): Promise<HistoryEntry[]> {
    const now = this.#now();
    const known = new Map((await this.#search({ step: provenance.step })).map((entry) => [entry.id, entry]));
    // Grows where the clock stands still, and where it goes back from one process to the next.
    let next = Math.max(now.getTime() * PER_MILLISECOND, await this.#nextSequence());
    const entries = changes.map((change, index): HistoryEntry => {
      const id = `${provenance.step}/${index}`;
      const { at, sequence, rewards } = known.get(id) ?? { at: now.toISOString(), sequence: next++, rewards: {} };
      const own = { id, index, of: changes.length, applied: false, at, sequence, rewards, undoes: undoes(change) };
      return { ...change, ...provenance, ...own };
    });
    nextSequences.remember(this.#store, this.namespace, next);
    await this.#put(entries);
    return entries;
  }

  /** Says that the changes are written. */
  async end(entries: readonly HistoryEntry[]): Promise<void> {
    await this.#put(entries.map((entry) => ({ ...entry, applied: true })));
  }

  /** Finishes, by `write`, what was begun and not ended, and forgets what was not wholly begun. */
  async recover(write: (changes: readonly Change[]) => Promise<void>): Promise<void> {
    const open = await this.#search({ applied: false });
    for (const step of new Set(open.map((entry) => entry.step))) {
      const entries = open.filter((entry) => entry.step === step);
      const known = await this.#search({ step });
      if (known.length < known[0]!.of) {
        await this.#store.batch(entries.map(({ id }) => ({ namespace: [...this.namespace], key: id, value: null })));
      } else {
        // A crash may also have come between two of the marks: all changes of the step are whole values, written again.
        await write(known);
        await this.end(entries);
      }
    }
  }

  /** Entries of the bank, oldest first. */
  async entries(filter: HistoryFilter = {}): Promise<HistoryEntry[]> {
    return this.#search({ ...filter });
  }

  /** Adds the reward of a step to its entries. */
  async reward(step: string, name: string, value: number): Promise<void> {
    const entries = await this.#search({ step });
    await this.#put(entries.map((entry) => ({ ...entry, rewards: { ...entry.rewards, [name]: value } })));
  }

  /** The history is read for it once in a process. */
  async #nextSequence(): Promise<number> {
    const known = nextSequences.get(this.#store, this.namespace);
    if (known !== undefined) return known;
    const last = (await this.#search({})).at(-1);
    return last === undefined ? 0 : last.sequence + 1;
  }

  async #put(entries: readonly HistoryEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const namespace = [...this.namespace];
    await this.#store.batch(
      entries.map((entry) => ({ namespace, key: entry.id, value: entry, index: false as const })),
    );
  }

  async #search(filter: Record<string, unknown>): Promise<HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    for (let offset = 0; ; offset += PAGE) {
      const page = await this.#store.search([...this.namespace], { filter, limit: PAGE, offset });
      const own = page.filter(({ namespace }) => namespace.length === this.namespace.length);
      entries.push(...own.map(({ key, value }) => this.#read(key, value)));
      if (page.length < PAGE) break;
    }
    return entries.sort((left, right) => left.sequence - right.sequence);
  }

  #read(key: string, value: unknown): HistoryEntry {
    const entry = historyEntrySchema.safeParse(value);
    if (entry.success) return entry.data;
    throw new StoreError({
      what: "the item is no entry of a memory's history",
      where: `${this.namespace.join("/")}/${key}`,
      found: entry.error.message,
      remedy: `leave the namespaces below "${HISTORY_ROOT}" to this package`,
      cause: entry.error,
    });
  }
}
