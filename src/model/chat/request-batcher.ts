import { abortError } from "../engine/abort.js";
import type { GenerateOptions, GenerateRequest, Generation, PolicyEngine } from "../engine/engine.js";

/** The part of a policy engine that generates. */
export type GeneratingEngine = Pick<PolicyEngine, "generate" | "info" | "policyVersion">;

/** Requests of one batch. A GPU decodes many as fast as one, as long as launching is its limit; a core does not. */
const maxBatchOf = ({ info }: GeneratingEngine): number => (info.device === "cpu" ? 32 : 64);

export interface BatchedResult {
  readonly generations: readonly Generation[];
  /** The adapter's version when the engine began. */
  readonly policyVersion: string;
}

interface Waiting {
  readonly request: GenerateRequest;
  readonly options: GenerateOptions;
  readonly resolve: (result: BatchedResult) => void;
  readonly reject: (error: unknown) => void;
  readonly onAbort: () => void;
  settled: boolean;
}

/**
 * Brings concurrent requests into one `engine.generate`: those that arrive before the next macrotask or while the engine is busy go
 * together, in order of arrival, if they share adapter and stop ids. Requests that stream go alone, as the engine wants them.
 */
export class RequestBatcher {
  readonly #engine: GeneratingEngine;
  readonly #maxBatch: number;
  #waiting: Waiting[] = [];
  #busy = false;

  constructor(engine: GeneratingEngine, maxBatch = maxBatchOf(engine)) {
    this.#engine = engine;
    this.#maxBatch = maxBatch;
  }

  /** Rejects at once with AbortError when the signal fires; the engine stops when nobody of its batch is left. */
  submit(request: GenerateRequest, options: GenerateOptions): Promise<BatchedResult> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(abortError(signal));
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        settle(waiting, () => reject(abortError(signal!)));
      };
      const waiting: Waiting = { request, options, resolve, reject, onAbort, settled: false };
      this.#waiting.push(waiting);
      signal?.addEventListener("abort", onAbort);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#busy || this.#waiting.length === 0) return;
    this.#busy = true;
    setImmediate(() => {
      void this.#run(this.#take()).finally(() => {
        this.#busy = false;
        this.#schedule();
      });
    });
  }

  /** The longest-waiting request and those that can go with it. */
  #take(): Waiting[] {
    const [first] = this.#waiting;
    if (first === undefined) return [];
    const alone = first.options.onTokens !== undefined;
    const batch = alone ? [first] : this.#waiting.filter((other) => fits(first, other)).slice(0, this.#maxBatch);
    const taken = new Set(batch);
    this.#waiting = this.#waiting.filter((waiting) => !taken.has(waiting));
    return batch;
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    const first = batch[0];
    if (first === undefined) return;
    const { adapter, stopIds, onTokens } = first.options;
    const abort = new AbortController();
    const onAbort = (): void => {
      if (batch.every(({ options }) => options.signal?.aborted)) abort.abort();
    };
    for (const { options } of batch) options.signal?.addEventListener("abort", onAbort);
    try {
      const policyVersion = this.#engine.policyVersion(adapter);
      const results = await this.#engine.generate(
        batch.map(({ request }) => request),
        { adapter, stopIds, onTokens, signal: abort.signal },
      );
      for (const [index, waiting] of batch.entries()) {
        settle(waiting, () => waiting.resolve({ generations: results[index] ?? [], policyVersion }));
      }
    } catch (error) {
      for (const waiting of batch) settle(waiting, () => waiting.reject(error));
    } finally {
      for (const { options } of batch) options.signal?.removeEventListener("abort", onAbort);
    }
  }
}

function settle(waiting: Waiting, action: () => void): void {
  if (waiting.settled) return;
  waiting.settled = true;
  waiting.options.signal?.removeEventListener("abort", waiting.onAbort);
  action();
}

function fits(first: Waiting, other: Waiting): boolean {
  const { adapter, stopIds } = first.options;
  return (
    other.options.onTokens === undefined &&
    other.options.adapter === adapter &&
    other.options.stopIds.length === stopIds.length &&
    other.options.stopIds.every((id, index) => id === stopIds[index])
  );
}

const batchers = new WeakMap<GeneratingEngine, RequestBatcher>();

/** The one batcher of an engine: chat models that share an engine also share its batches. */
export function batcherOf(engine: GeneratingEngine): RequestBatcher {
  const batcher = batchers.get(engine) ?? new RequestBatcher(engine);
  batchers.set(engine, batcher);
  return batcher;
}
