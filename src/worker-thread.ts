import { Worker } from "node:worker_threads";
import { EngineError, type Failure } from "./errors.js";
import { fromWire, type WireError } from "./wire-error.js";

/** A thread's first message: it is open, or why it is not. */
export type Opening<Info> =
  | { readonly type: "open"; readonly info: Info }
  | { readonly type: "refused"; readonly error: WireError };

/** A thread's last message about a call. */
export type Ending =
  | { readonly type: "result"; readonly id: number; readonly value: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: WireError };

/** What a thread may tell about a call that is under way. */
export interface Interim {
  readonly type: string;
  readonly id: number;
}

export interface WorkerThreadOptions {
  /** The script as it is published, beside the caller: `new URL("./worker.js", import.meta.url)`. */
  readonly script: URL;
  readonly workerData: unknown;
  /** What a call fails with when the thread is no more. */
  readonly stopped: Pick<Failure, "what" | "remedy">;
}

interface Pending<Told> {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onInterim: ((message: Told) => void) | undefined;
}

/** Calls into a thread that computes, so that the caller's event loop stays free. */
export class WorkerThread<Info, Told extends Interim = never> {
  private readonly pending = new Map<number, Pending<Told>>();
  private nextId = 0;
  /** Why no call can be answered any more. */
  private failure: EngineError | undefined;

  private constructor(
    private readonly worker: Worker,
    /** What the thread said when it opened. */
    readonly info: Info,
    private readonly stopped: WorkerThreadOptions["stopped"],
  ) {
    worker.on("message", (message: Ending | Told) => this.receive(message));
    worker.on("error", (cause) => this.fail(cause));
    worker.on("exit", () => this.fail(undefined));
    // An idle thread does not keep the process alive; a call in flight does.
    worker.unref();
  }

  /** Waits until the thread is open. @throws the error that it refuses with. */
  static async open<Info, Told extends Interim = never>(
    options: WorkerThreadOptions,
  ): Promise<WorkerThread<Info, Told>> {
    const worker = start(options);
    const info = await new Promise<Info>((resolve, reject) => {
      worker.once("message", (message: Opening<Info>) => {
        if (message.type === "open") resolve(message.info);
        else reject(fromWire(message.error));
      });
      worker.once("error", reject);
    }).catch(async (error: unknown) => {
      await worker.terminate();
      throw error;
    });
    return new WorkerThread(worker, info, options.stopped);
  }

  /** Sends a call; it travels with the id by which the thread answers, and later posts may name it. `transfer` is given away. */
  call<Value>(
    message: object,
    onInterim?: (message: Told) => void,
    transfer: readonly ArrayBuffer[] = [],
  ): { readonly id: number; readonly answered: Promise<Value> } {
    const id = this.nextId++;
    if (this.failure !== undefined) return { id, answered: Promise.reject(this.failure) };
    const answered = new Promise<unknown>((resolve, reject) => {
      this.pending.set(id, { resolve, reject, onInterim });
      this.worker.ref();
      this.worker.postMessage({ ...message, id }, transfer);
    });
    return { id, answered: answered as Promise<Value> };
  }

  post(message: object): void {
    this.worker.postMessage(message);
  }

  async terminate(): Promise<void> {
    await this.worker.terminate();
  }

  private receive(message: Ending | Told): void {
    const pending = this.pending.get(message.id);
    if (pending === undefined) return;
    if (!isEnding(message)) {
      pending.onInterim?.(message);
      return;
    }
    this.pending.delete(message.id);
    if (this.pending.size === 0) this.worker.unref();
    if (message.type === "result") pending.resolve(message.value);
    else pending.reject(fromWire(message.error));
  }

  private fail(cause: unknown): void {
    this.failure ??= new EngineError({
      ...this.stopped,
      ...(cause === undefined ? {} : { found: String(cause) }),
      cause,
    });
    for (const { reject } of this.pending.values()) reject(this.failure);
    this.pending.clear();
  }
}

const isEnding = (message: Ending | Interim): message is Ending =>
  message.type === "result" || message.type === "error";

function start({ script, workerData }: WorkerThreadOptions): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(script, { workerData });
  // Run from TypeScript sources (tests, examples) the thread needs their loader first; the published package is plain JavaScript.
  const url = JSON.stringify(script.href.replace(/\.js$/, ".ts"));
  const code = `import("tsx/esm/api").then(({ register }) => { register(); return import(${url}); })`;
  return new Worker(code, { eval: true, workerData });
}
