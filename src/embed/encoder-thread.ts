import { Worker } from "node:worker_threads";
import { EngineError } from "../errors.js";
import { fromWire } from "../model/worker-protocol.js";
import type { Pooling } from "./bert-config.js";
import type { EncoderOptions } from "./encoder.js";
import type { EncodeCall, FromEncoder } from "./worker.js";

interface Pending {
  readonly resolve: (vectors: number[][]) => void;
  readonly reject: (error: unknown) => void;
}

/** A sentence encoder in a thread of its own, so that the caller's event loop stays free. */
export class EncoderThread {
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;
  /** Why no call can be answered any more. */
  private stopped: EngineError | undefined;

  private constructor(private readonly worker: Worker) {
    worker.on("message", (message: FromEncoder) => this.receive(message));
    worker.on("error", (cause) => this.fail(cause));
    worker.on("exit", () => this.fail(undefined));
    // An idle encoder does not keep the process alive; a call in flight does.
    worker.unref();
  }

  static async open(options: EncoderOptions): Promise<EncoderThread> {
    const worker = start(options);
    await new Promise<void>((resolve, reject) => {
      worker.once("message", (message: FromEncoder) => {
        if (message.type === "open") resolve();
        else if (message.type === "refused") reject(fromWire(message.error));
      });
      worker.once("error", reject);
    }).catch(async (error: unknown) => {
      await worker.terminate();
      throw error;
    });
    return new EncoderThread(worker);
  }

  encode(rows: readonly (readonly number[])[], pooling: Pooling): Promise<number[][]> {
    if (this.stopped !== undefined) return Promise.reject(this.stopped);
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.worker.ref();
      this.worker.postMessage({ id, rows, pooling } satisfies EncodeCall);
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private receive(message: FromEncoder): void {
    if (message.type === "open" || message.type === "refused") return;
    const pending = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (this.pending.size === 0) this.worker.unref();
    if (message.type === "result") pending?.resolve(message.vectors);
    else pending?.reject(fromWire(message.error));
  }

  private fail(cause: unknown): void {
    this.stopped ??= new EngineError({
      what: "the encoder's thread stopped",
      ...(cause === undefined ? {} : { found: String(cause) }),
      remedy: "open the embeddings again, with a smaller batchSize if memory ran out",
      cause,
    });
    for (const { reject } of this.pending.values()) reject(this.stopped);
    this.pending.clear();
  }
}

function start(workerData: EncoderOptions): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./worker.js", import.meta.url), { workerData });
  // Run from TypeScript sources (tests, examples) the thread needs their loader first; the published package is plain JavaScript.
  const url = JSON.stringify(new URL("./worker.ts", import.meta.url).href);
  const code = `import("tsx/esm/api").then(({ register }) => { register(); return import(${url}); })`;
  return new Worker(code, { eval: true, workerData });
}
