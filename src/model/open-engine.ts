import { Worker } from "node:worker_threads";
import { EngineError } from "../errors.js";
import type {
  EngineInfo,
  GenerateOptions,
  GenerateRequest,
  Generation,
  GroupScores,
  LoraOptions,
  PolicyEngine,
  ScoreGroup,
  UpdateRequest,
  UpdateResult,
} from "./engine.js";
import type { LanguageModelOptions } from "./language-model.js";
import type { Arguments, FromWorker, Method, Result, ToWorker } from "./worker-protocol.js";
import { fromWire } from "./worker-protocol.js";

/** Threads of the runtime are all cores by default. */
export type OpenEngineOptions = LanguageModelOptions;

/** Opens a model in a worker thread, so that the caller's event loop stays free while it computes. Throws FileError for a bad checkpoint. */
export async function openEngine(options: OpenEngineOptions): Promise<PolicyEngine> {
  const worker = startWorker(options);
  const info = await new Promise<EngineInfo>((resolve, reject) => {
    worker.once("message", (message: FromWorker) => {
      if (message.type === "open") resolve(message.info);
      else if (message.type === "refused") reject(fromWire(message.error));
    });
    worker.once("error", reject);
  }).catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  return new WorkerEngine(worker, info);
}

function startWorker(workerData: LanguageModelOptions): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./worker.js", import.meta.url), { workerData });
  // Run from TypeScript sources (tests, examples) the thread needs their loader first; the published package is plain JavaScript.
  const url = JSON.stringify(new URL("./worker.ts", import.meta.url).href);
  const code = `import("tsx/esm/api").then(({ register }) => { register(); return import(${url}); })`;
  return new Worker(code, { eval: true, workerData });
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onTokens: GenerateOptions["onTokens"];
}

class WorkerEngine implements PolicyEngine {
  private readonly pending = new Map<number, Pending>();
  private readonly updates = new Map<string, number>();
  private nextId = 0;
  /** Why no call can be answered any more. */
  private stopped: EngineError | undefined;

  constructor(
    private readonly worker: Worker,
    readonly info: EngineInfo,
  ) {
    worker.on("message", (message: FromWorker) => this.receive(message));
    worker.on("error", (cause) => this.fail(cause));
    worker.on("exit", () => this.fail(undefined));
    // An idle engine does not keep the process alive; a call in flight does.
    worker.unref();
  }

  generate(
    requests: readonly GenerateRequest[],
    { signal, onTokens, ...options }: GenerateOptions,
  ): Promise<Generation[][]> {
    return this.call("generate", [requests, options], { signal, onTokens });
  }

  logprobs(groups: readonly ScoreGroup[], adapter?: string): Promise<GroupScores[]> {
    return this.call("logprobs", [groups, adapter]);
  }

  values(groups: readonly ScoreGroup[], critic: string): Promise<number[][][]> {
    return this.call("values", [groups, critic]);
  }

  async update(adapter: string, request: UpdateRequest): Promise<UpdateResult> {
    const result = await this.call("update", [adapter, request]);
    this.updates.set(adapter, (this.updates.get(adapter) ?? 0) + 1);
    return result;
  }

  policyVersion(adapter?: string): string {
    return adapter === undefined ? "base" : `${adapter}@${this.updates.get(adapter) ?? 0}`;
  }

  createAdapter(name: string, options: LoraOptions): Promise<void> {
    this.updates.set(name, 0);
    return this.call("createAdapter", [name, options]);
  }

  createCritic(name: string, options: LoraOptions): Promise<void> {
    this.updates.set(name, 0);
    return this.call("createCritic", [name, options]);
  }

  loadAdapter(name: string, folder: string): Promise<void> {
    this.updates.set(name, 0);
    return this.call("loadAdapter", [name, folder]);
  }

  copyAdapter(from: string, to: string): Promise<void> {
    this.updates.set(to, this.updates.get(from) ?? 0);
    return this.call("copyAdapter", [from, to]);
  }

  saveAdapter(name: string, folder: string): Promise<void> {
    return this.call("saveAdapter", [name, folder]);
  }

  saveTraining(adapter: string, folder: string): Promise<void> {
    return this.call("saveTraining", [adapter, folder]);
  }

  async loadTraining(adapter: string, folder: string): Promise<void> {
    this.updates.set(adapter, await this.call("loadTraining", [adapter, folder]));
  }

  async close(): Promise<void> {
    await this.call("close", []);
    await this.worker.terminate();
  }

  private call<M extends Method>(
    method: M,
    args: Arguments<M>,
    options: Pick<GenerateOptions, "signal" | "onTokens"> = {},
  ): Promise<Result<M>> {
    if (this.stopped !== undefined) return Promise.reject(this.stopped);
    const id = this.nextId++;
    const { signal, onTokens } = options;
    const abort = () => this.send({ type: "abort", id });
    const answered = new Promise<unknown>((resolve, reject) => {
      this.pending.set(id, { resolve, reject, onTokens });
      this.worker.ref();
      this.send({ type: "call", id, method, args, streams: onTokens !== undefined });
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
    return answered.finally(() => signal?.removeEventListener("abort", abort)) as Promise<Result<M>>;
  }

  private send(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  private receive(message: FromWorker): void {
    if (message.type === "open" || message.type === "refused") return;
    const pending = this.pending.get(message.id);
    if (pending === undefined) return;
    if (message.type === "tokens") {
      pending.onTokens?.(message.ids, message.logprobs);
      return;
    }
    this.pending.delete(message.id);
    if (this.pending.size === 0) this.worker.unref();
    if (message.type === "result") pending.resolve(message.value);
    else pending.reject(fromWire(message.error));
  }

  private fail(cause: unknown): void {
    this.stopped ??= new EngineError({
      what: "the engine's thread stopped",
      ...(cause === undefined ? {} : { found: String(cause) }),
      remedy: "open the engine again; less memory is used with shorter prompts or smaller groups",
      cause,
    });
    for (const { reject } of this.pending.values()) reject(this.stopped);
    this.pending.clear();
  }
}
