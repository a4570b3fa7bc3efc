import { AsyncResource } from "node:async_hooks";
import { messageOf, UsageError } from "../errors.js";
import { Serial } from "../store/serial.js";

export interface BackgroundWritesOptions {
  /** Receives what a task threw; `flush` waits for it. Default: a warning on stderr, which also reports a failing `onError`. */
  readonly onError?: (error: unknown) => unknown;
  /** Maximum number of waiting tasks. Beyond it `add` waits too, so that memory stays bounded. Default 1000. */
  readonly limit?: number;
}

/**
 * Queue for work that a graph need not wait for, such as storing a turn after the answer was sent. Tasks with the same
 * key run one after another, in the order they were added; tasks with different keys run concurrently. Tasks that have
 * not run yet exist only in memory: call `flush` before the process ends, or use `flushOnExit`.
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

  /** Number of tasks that have not finished. */
  get pending(): number {
    return this.#running.size;
  }

  /**
   * Adds a task. Resolves at once, or as soon as there is room.
   * @param key tasks with the same key keep their order; for example the bank's namespace.
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

  /** Resolves when all tasks have run, including those added meanwhile. */
  async flush(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Accepts no more tasks; resolves when all have run. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#admit();
    await this.flush();
  }

  /**
   * Flushes on the given signals (default SIGTERM, SIGINT) and then lets the signal end the process. Also flushes when
   * the process runs out of other work. Returns a function that removes the handlers.
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
