import { EngineError, UsageError } from "../../errors.js";
import type { Device } from "../../onnx/device.js";
import { type DeviceChoice, resolveDevice } from "../../onnx/devices.js";
import { type DecoderConfig, readConfig } from "../checkpoint/config.js";
import { type Checkpoint, openCheckpoint, requiredTensors } from "../checkpoint/weights.js";
import { GRADIENT_PREFIX, GRADIENT_SCALE } from "../graph/policy-graph.js";
import { checkPrecision, defaultPrecision, type Precision } from "../graph/precision.js";
import { adamWDefaults, globalNorm } from "./adamw.js";
import {
  type BatchMemory,
  batchMemory,
  checkFits,
  checkLength,
  decodingBytes,
  fits,
  scoringBytes,
  updateBytes,
} from "./batch-limits.js";
import { type BatchSize, microBatches, type Sized, scalarTensor } from "./batching.js";
import { decodeBatch, decodeStream } from "./decoding.js";
import type {
  EngineInfo,
  GenerateOptions,
  GenerateRequest,
  Generation,
  GroupScores,
  LoraOptions,
  ScoreGroup,
  UpdateRequest,
  UpdateResult,
} from "./engine.js";
import type { BatchRunner, Feeds } from "./micro-batches.js";
import { Optimizer } from "./optimizer.js";
import { feedsOf, optimizerOf } from "./parameter-set.js";
import { ParameterSets } from "./parameter-sets.js";
import { scoreBatch, unpad, valueBatch } from "./scoring.js";
import { Sessions } from "./sessions.js";
import { checkUpdate, gradientScale, updateFeeds } from "./update-feeds.js";
import { planRuns, sizeOf } from "./update-runs.js";

export interface LanguageModelOptions {
  readonly folder: string;
  /** "auto" is the fastest that works; a device given by name is never replaced by another. */
  readonly device?: DeviceChoice;
  /** Precision of weights and activations; by default the device's and the architecture's (`defaultPrecision`). */
  readonly precision?: Precision;
  /**
   * Threads of the runtime on the host; 0 lets it choose. Default 0 on a CPU, and 1 on a GPU, because idle workers slow
   * down its launches. AdamW takes up to seven of its own, for a moment, where an adapter has millions of numbers.
   */
  readonly threads?: number;
  /** Approximate number of bytes for the activations of one batch. Default: derived from free memory. */
  readonly batchBytes?: number;
  /** For measurements: one session for decoding, scoring and update (`SessionsOptions.united`). */
  readonly united?: boolean;
  /** For measurements: begins the names of the runtime's profiles, written when the engine closes. */
  readonly profilePrefix?: string;
}

/** The engine's work, in the thread that it is called from. */
export class LanguageModel {
  readonly info: EngineInfo;
  private readonly sessions: Sessions;
  private readonly sets: ParameterSets;
  private readonly optimizer = new Optimizer();

  private constructor(
    private readonly checkpoint: Checkpoint,
    device: Device,
    precision: Precision,
    private readonly memory: BatchMemory,
    options: Pick<LanguageModelOptions, "threads" | "united" | "profilePrefix">,
  ) {
    const { config, folder } = checkpoint;
    const shapes = [...requiredTensors(config).values()];
    const parameters = shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    this.sessions = new Sessions(checkpoint, { device, parameters, precision, ...options });
    this.sets = new ParameterSets(checkpoint);
    this.info = {
      folder,
      architecture: config.architecture,
      device,
      precision,
      parameters,
      contextLength: config.contextLength,
      vocabularySize: config.vocabularySize,
    };
  }

  static async open({
    folder,
    device: choice = "cpu",
    precision,
    batchBytes,
    ...options
  }: LanguageModelOptions): Promise<LanguageModel> {
    const device = await resolveDevice(choice);
    const config = await readConfig(folder);
    const chosen = precision ?? defaultPrecision(device, config.architecture);
    checkPrecision(chosen, device);
    const checkpoint = await openCheckpoint(folder, config);
    const memory = { ...(await batchMemory(device, batchBytes)), precision: chosen };
    return new LanguageModel(checkpoint, device, chosen, memory, options);
  }

  async generate(
    requests: readonly GenerateRequest[],
    { adapter, stopIds, onTokens, signal }: GenerateOptions,
  ): Promise<Generation[][]> {
    const { config } = this.checkpoint;
    const set = this.sets.policy(adapter);
    const parameters = feedsOf(set);
    const aborted = () => signal?.aborted ?? false;
    const sizes = requests.map(({ promptIds, count = 1, maxNewTokens }) => sized(promptIds, count, maxNewTokens));
    if (onTokens !== undefined) {
      const only = onlyResponse(requests);
      checkLength(sizes[0]!, config.contextLength);
      const stream = await this.sessions.get("stream", set.kind);
      return [[await decodeStream(stream, only, stopIds, config, parameters, onTokens, aborted)]];
    }
    const session = await this.sessions.get("generate", set.kind);
    const results: Generation[][] = [];
    for (const batch of this.batches(
      sizes,
      (size) => decodingBytes(size, config, this.memory),
      this.memory.decodingBytes,
    )) {
      if (aborted()) break;
      const part = batch.map((index) => requests[index]!);
      const decoded = await decodeBatch(session, part, stopIds, config, parameters);
      batch.forEach((index, i) => {
        results[index] = decoded[i]!;
      });
    }
    return results;
  }

  async logprobs(groups: readonly ScoreGroup[], adapter?: string): Promise<GroupScores[]> {
    const set = this.sets.policy(adapter);
    const session = await this.sessions.get(adapter === undefined ? "reference" : "scores", set.kind);
    const parameters = adapter === undefined ? {} : feedsOf(set);
    const results: GroupScores[] = [];
    for (const batch of this.groupBatches(groups, scoringBytes)) {
      const part = batch.map((index) => groups[index]!);
      const logprobs = await scoreBatch(session, part, this.checkpoint.config, parameters);
      batch.forEach((index, i) => {
        results[index] = { logprobs: logprobs[i]! };
      });
    }
    return results;
  }

  async values(groups: readonly ScoreGroup[], critic: string): Promise<number[][][]> {
    const set = this.sets.critic(critic);
    const session = await this.sessions.get("values", set.kind);
    const results: number[][][] = [];
    for (const batch of this.groupBatches(groups, scoringBytes)) {
      const part = batch.map((index) => groups[index]!);
      const values = await valueBatch(session, part, this.checkpoint.config, feedsOf(set));
      batch.forEach((index, i) => {
        results[index] = values[i]!;
      });
    }
    return results;
  }

  async update(adapter: string, request: UpdateRequest): Promise<UpdateResult> {
    const { objective } = request;
    const set = objective === "value" ? this.sets.critic(adapter) : this.sets.policy(adapter);
    const { config } = this.checkpoint;
    checkUpdate(request);
    const runner = await this.sessions.update(objective, set.kind, objective === "policy" ? request.form : undefined);
    const gradients = new Map<string, Float32Array<ArrayBuffer>>();
    const scored: number[][][] = [];
    let loss = 0;
    const batches = this.groupBatches(request.groups, updateBytes, this.memory.updateRows);
    for (const run of planRuns(batches, request.groups.map(sizeOf), config.contextLength)) {
      const stacked = run.batches.map((batch) => updateFeeds(request, batch, run.size, config));
      const { sums, each } = await this.runUpdate(runner, stacked, feedsOf(set), request);
      loss += (sums.loss!.data as Float32Array)[0]!;
      for (const name of set.tensors.keys()) {
        const part = sums[`${GRADIENT_PREFIX}${name}`]!.data as Float32Array<ArrayBuffer>;
        const sum = gradients.get(name);
        if (sum === undefined) gradients.set(name, part);
        else for (let i = 0; i < sum.length; i++) sum[i]! += part[i]!;
      }
      for (const [i, batch] of run.batches.entries()) {
        const part = batch.map((index) => request.groups[index]!);
        unpad((each[i]!.logprobs ?? each[i]!.values)!, part).forEach((rows, at) => {
          scored[batch[at]!] = rows;
        });
      }
    }
    const options = { ...adamWDefaults, ...request.optimizer };
    const state = optimizerOf(set);
    const gradientNorm = Number.isFinite(loss)
      ? await this.optimizer.step(set.tensors, gradients, state, options).finally(() => {
          if (state.torn) this.sets.lose(adapter);
        })
      : globalNorm([...gradients.values()]);
    // A ratio that overflows can leave a clipped loss finite and its gradient not.
    if (!Number.isFinite(loss + gradientNorm)) {
      throw new EngineError({
        what: "the loss or its gradient is not finite",
        found: `loss ${loss}, norm of the gradient ${gradientNorm}`,
        remedy: "lower the learning rate; the adapter is as it was before this step",
      });
    }
    set.updates += 1;
    return objective === "value"
      ? { loss, gradientNorm, logprobs: [], values: scored }
      : { loss, gradientNorm, logprobs: scored };
  }

  /** In float16 the gradient scale is lowered while a gradient overflows. */
  private async runUpdate(
    runner: BatchRunner,
    batches: readonly Feeds[],
    shared: Feeds,
    request: UpdateRequest,
  ): ReturnType<BatchRunner["runAll"]> {
    if (this.info.precision !== "float16") return runner.runAll(batches, shared);
    for (let scale = gradientScale(request), tries = 0; ; scale /= 64, tries++) {
      const results = await runner.runAll(batches, { ...shared, [GRADIENT_SCALE]: scalarTensor(scale) });
      const parts = Object.entries(results.sums).filter(([name]) => name.startsWith(GRADIENT_PREFIX));
      const norm = globalNorm(parts.map(([, { data }]) => data as Float32Array));
      if (Number.isFinite(norm) || tries === 3) return results;
    }
  }

  createAdapter(name: string, options: LoraOptions): void {
    this.sets.createAdapter(name, options);
  }

  createCritic(name: string, options: LoraOptions): void {
    this.sets.createCritic(name, options);
  }

  loadAdapter(name: string, folder: string): Promise<void> {
    return this.sets.loadAdapter(name, folder);
  }

  copyAdapter(from: string, to: string): void {
    this.sets.copyAdapter(from, to);
  }

  saveAdapter(name: string, folder: string): Promise<void> {
    return this.sets.saveAdapter(name, folder);
  }

  saveTraining(name: string, folder: string): Promise<void> {
    return this.sets.saveTraining(name, folder);
  }

  /** Returns the number of updates that the restored policy has had. */
  loadTraining(name: string, folder: string): Promise<number> {
    return this.sets.loadTraining(name, folder);
  }

  async close(): Promise<void> {
    await Promise.all([this.optimizer.close(), this.sessions.release()]);
  }

  private groupBatches(
    groups: readonly ScoreGroup[],
    bytes: (size: BatchSize, config: DecoderConfig, memory: BatchMemory) => number,
    rows?: number,
  ): number[][] {
    const sizes = groups.map(sizeOf);
    return this.batches(sizes, (size) => bytes(size, this.checkpoint.config, this.memory), this.memory.bytes, rows);
  }

  private batches(
    sizes: readonly Sized[],
    bytes: (size: BatchSize) => number,
    limit: number,
    rows?: number,
  ): number[][] {
    const { memory } = this;
    const { contextLength } = this.checkpoint.config;
    for (const size of sizes) {
      checkLength(size, contextLength);
      checkFits(bytes({ ...size, count: 1 }), size, memory);
    }
    // A batch is padded to its longest prompt and its longest response, which may be of two items.
    const within = ({ prompt, response }: BatchSize) => prompt + response <= contextLength;
    return microBatches(sizes, (size) => within(size) && fits(size, bytes(size), limit, rows), memory.enoughTokens);
  }
}

/** @throws UsageError for more than one response: a stream has no place for others. */
function onlyResponse(requests: readonly GenerateRequest[]): GenerateRequest {
  const [only, ...others] = requests;
  if (only !== undefined && others.length === 0 && (only.count ?? 1) === 1) return only;
  throw new UsageError({
    what: "tokens are told of one response alone",
    where: "onTokens",
    expected: "one request with a count of 1",
    found: `${requests.length} requests with counts of ${requests.map(({ count = 1 }) => count).join(", ")}`,
    remedy: "generate each of them by itself, or leave out onTokens",
  });
}

function sized(promptIds: readonly number[], group: number, response: number): Sized {
  return { prompt: promptIds.length, group, response };
}
