import { AsyncResource } from "node:async_hooks";
import { messageOf, UsageError } from "../errors.js";
import { Serial } from "../store/serial.js";

export interface BackgroundWritesOptions {
  /** Takes what a task threw; `flush` waits for it. Default: a warning on stderr, as for an `onError` that fails. */
  readonly onError?: (error: unknown) => unknown;
  /** Most tasks that wait; `add` then waits too, so that memory is bounded. Default 1000. */
  readonly limit?: number;
}

/**
 * Work that a graph need not wait for, such as taking a turn into the bank after the answer was sent. Tasks of one key run
 * one after another, in the order in which they were added; those of different keys at the same time. What has been added
 * is in memory only until it has run: `flush` before the process ends, or let `flushOnExit` do so.
 */
export class BackgroundWrites {
  readonly #onError: (error: unknown) => unknown;
  readonly #limit: number;
  readonly #queues = new Map<string, { serial: Serial; waiting: number }>();
  readonly #running = new Set<Promise<void>>();
  /** Of those that wait for room, in the order in which they came. */
  readonly #admissions: (() => void)[] = [];
  #closed = false;

  constructor({ onError = warn, limit = 1000 }: BackgroundWritesOptions = {}) {
    this.#onError = onError;
    this.#limit = limit;
  }

  /** Tasks that are not done. */
  get pending(): number {
    return this.#running.size;
  }

  /**
   * Adds a task; resolves at once, or when there is room for it.
   * @param key whose tasks must keep their order, such as the bank's namespace.
   * @throws UsageError after `close`.
   */
  async add(key: string, task: () => Promise<unknown>): Promise<void> {
    if (this.#hasRoom()) return this.#start(key, task);
    // In the caller's own context, whoever's end makes room: LangGraph keeps a run's config there.
    await new Promise<void>((resolve) =>
      this.#admissions.push(AsyncResource.bind(() => resolve(this.#start(key, task)))),
    );
  }

  /** Where nothing more is taken, nobody need wait to be told so. */
  #hasRoom(): boolean {
    return this.#running.size < this.#limit || this.#closed;
  }

  #admit(): void {
    while (this.#admissions.length > 0 && this.#hasRoom()) this.#admissions.shift()!();
  }

  async #start(key: string, task: () => Promise<unknown>): Promise<void> {
    if (this.#closed) {
      throw new UsageError({
        what: "the background writes are closed",
        where: key,
        remedy: "close them after the last graph run, or wait for the write in the graph",
      });
    }
    const queue = this.#queues.get(key) ?? { serial: new Serial(), waiting: 0 };
    this.#queues.set(key, queue);
    queue.waiting += 1;
    const run = queue.serial.run(task).then(
      () => undefined,
      (error: unknown) => this.#tell(error),
    );
    const done: Promise<void> = run.finally(() => {
      this.#running.delete(done);
      queue.waiting -= 1;
      if (queue.waiting === 0) this.#queues.delete(key);
      this.#admit();
    });
    this.#running.add(done);
  }

  async #tell(error: unknown): Promise<void> {
    try {
      await this.#onError(error);
    } catch (failed) {
      warn(error);
      console.warn(`Nor could onError take that: ${messageOf(failed)}`);
    }
  }

  /** Resolves when all that was added has run, and what came in between too. */
  async flush(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Takes no more tasks, and resolves when all have run. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#admit();
    await this.flush();
  }

  /**
   * Flushes when the process is asked to end (SIGTERM, SIGINT) and then lets it end by that signal, and when it runs out
   * of other work. Returns what takes this back.
   */
  flushOnExit(signals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT"]): () => void {
    const onSignal = (signal: NodeJS.Signals): void => {
      void this.close().finally(() => {
        remove();
        process.kill(process.pid, signal);
      });
    };
    const onEnd = (): void => void this.flush();
    for (const signal of signals) process.once(signal, onSignal);
    process.once("beforeExit", onEnd);
    const remove = (): void => {
      for (const signal of signals) process.off(signal, onSignal);
      process.off("beforeExit", onEnd);
    };
    return remove;
  }
}

function warn(error: unknown): void {
  console.warn(`A memory was not written: ${messageOf(error)}`);
}
