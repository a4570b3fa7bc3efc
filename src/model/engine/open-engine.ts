import { WorkerThread } from "../../worker-thread.js";
import { abortError } from "./abort.js";
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

/** Threads of the runtime are all cores by default. */
export type OpenEngineOptions = LanguageModelOptions;

/** Opens a model in a worker thread, so that the caller's event loop stays free while it computes. @throws FileError for a bad checkpoint, EngineError for a device that does not work. */
export async function openEngine(options: OpenEngineOptions): Promise<PolicyEngine> {
  const thread = await WorkerThread.open<EngineInfo, Tokens>({
    script: new URL("./worker.js", import.meta.url),
    workerData: options,
    stopped: {
      what: "the engine's thread stopped",
      remedy: "open the engine again; less memory is used with shorter prompts or smaller groups",
    },
  });
  return new WorkerEngine(thread);
}

type Tokens = Extract<FromWorker, { type: "tokens" }>;

class WorkerEngine implements PolicyEngine {
  private readonly updates = new Map<string, number>();
  private closing: Promise<void> | undefined;
  readonly info: EngineInfo;

  constructor(private readonly thread: WorkerThread<EngineInfo, Tokens>) {
    this.info = thread.info;
  }

  async generate(
    requests: readonly GenerateRequest[],
    { signal, onTokens, ...options }: GenerateOptions,
  ): Promise<Generation[][]> {
    if (signal?.aborted) throw abortError(signal);
    const generations = await this.call("generate", [requests, options], { signal, onTokens });
    // What was aborted is cut short, or not there.
    if (signal?.aborted) throw abortError(signal);
    return generations;
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

  async createAdapter(name: string, options: LoraOptions): Promise<void> {
    await this.call("createAdapter", [name, options]);
    this.updates.set(name, 0);
  }

  async createCritic(name: string, options: LoraOptions): Promise<void> {
    await this.call("createCritic", [name, options]);
    this.updates.set(name, 0);
  }

  async loadAdapter(name: string, folder: string): Promise<void> {
    await this.call("loadAdapter", [name, folder]);
    this.updates.set(name, 0);
  }

  async copyAdapter(from: string, to: string): Promise<void> {
    await this.call("copyAdapter", [from, to]);
    // The thread answers in the order of its calls: what it copied has had all updates that were answered before.
    this.updates.set(to, this.updates.get(from) ?? 0);
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

  close(): Promise<void> {
    this.closing ??= this.call("close", []).finally(() => this.thread.terminate());
    return this.closing;
  }

  private call<M extends Method>(
    method: M,
    args: Arguments<M>,
    options: Pick<GenerateOptions, "signal" | "onTokens"> = {},
  ): Promise<Result<M>> {
    const { signal, onTokens } = options;
    const call = { type: "call", method, args, streams: onTokens !== undefined } as const;
    const { id, answered } = this.thread.call<Result<M>>(
      call satisfies Omit<ToWorker & { type: "call" }, "id">,
      onTokens && (({ ids, logprobs }) => onTokens(ids, logprobs)),
    );
    const abort = () => this.thread.post({ type: "abort", id } satisfies ToWorker);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    return answered.finally(() => signal?.removeEventListener("abort", abort));
  }
}
