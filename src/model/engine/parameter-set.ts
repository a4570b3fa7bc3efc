import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { FileError, UsageError } from "../../errors.js";
import type { HostTensor } from "../../onnx/session.js";
import { Random } from "../../random.js";
import { readAdapter, writeAdapter } from "../checkpoint/adapter-files.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import { readHeader, readTensor, type TensorInfo, writeSafetensors } from "../checkpoint/safetensors.js";
import { type Checkpoint, requiredTensors } from "../checkpoint/weights.js";
import { LORA_SCALE } from "../graph/lora-inputs.js";
import { adaptedLayers, loraStacks, stackedTensors, unstackLora } from "../graph/lora-stacks.js";
import { VALUE_BIAS, VALUE_WEIGHT } from "../graph/value-graph.js";
import { scalarTensor } from "./batching.js";
import type { LoraOptions } from "./engine.js";
import { type OptimizerState, optimizerState } from "./optimizer.js";

/** The trainable tensors of one policy, its optimizer's moments, and how often it was updated. */
export interface ParameterSet {
  /** "lora": an adapter over the frozen base; "critic": the same with a value head; "full": all weights. */
  readonly kind: "lora" | "critic" | "full";
  /** Feeds of the graph, by input name; a step of the optimizer gives each new data. */
  readonly tensors: ReadonlyMap<string, HostTensor & { data: Float32Array<ArrayBuffer> }>;
  /** The adapter's rank and alpha. */
  readonly lora: { readonly rank: number; readonly alpha: number } | undefined;
  optimizer: OptimizerState | undefined;
  updates: number;
}

/** A set as feeds of a graph. */
export function feedsOf({ lora, tensors }: ParameterSet): Record<string, HostTensor> {
  const scale = lora === undefined ? {} : { [LORA_SCALE]: scalarTensor(lora.alpha / lora.rank) };
  return { ...scale, ...Object.fromEntries(tensors) };
}

export function optimizerOf(set: ParameterSet): OptimizerState {
  set.optimizer ??= optimizerState(set.tensors);
  return set.optimizer;
}

/** A new adapter: A uniform in ±1/√in (peft's Kaiming initialisation with a = √5), B zero, so that it starts as the base model. */
export function newLora(config: DecoderConfig, { rank, alpha, seed }: LoraOptions): ParameterSet {
  if (!Number.isInteger(rank) || rank < 1) {
    throw new UsageError({
      what: "rank of the adapter",
      expected: "a positive integer",
      found: String(rank),
      remedy: "use 8 or 16",
    });
  }
  const random = new Random(seed);
  return loraSet(config, rank, alpha, (_, into, out) => ({
    A: Float32Array.from({ length: rank * into }, () => (2 * random.next() - 1) / Math.sqrt(into)),
    B: new Float32Array(out * rank),
  }));
}

/**
 * A new critic: an adapter as of a policy, and a value head of zeros. Before it has learned anything its values are 0, and advantages are
 * rewards to go; random values would only be noise in them.
 */
export function newCritic(config: DecoderConfig, options: LoraOptions): ParameterSet {
  const adapter = newLora(config, options);
  const zeros = (size: number) => ({ dtype: "float32" as const, shape: [size], data: new Float32Array(size) });
  const head = new Map([
    [VALUE_WEIGHT, zeros(config.hiddenSize)],
    [VALUE_BIAS, zeros(1)],
  ]);
  return { ...adapter, kind: "critic", tensors: new Map([...adapter.tensors, ...head]) };
}

/** The base model itself, as an adapter of rank 1 that adds nothing. */
export function zeroLora(config: DecoderConfig): ParameterSet {
  return loraSet(config, 1, 0, (_, into, out) => ({ A: new Float32Array(into), B: new Float32Array(out) }));
}

export async function readLora(config: DecoderConfig, folder: string): Promise<ParameterSet> {
  const { rank, alpha, tensors } = await readAdapter(folder);
  const layers = new Map(adaptedLayers(config).map((layer) => [layer.name, layer]));
  for (const [name, { A, B }] of tensors) {
    const layer = layers.get(name);
    if (layer === undefined || A.length !== rank * layer.into || B.length !== rank * layer.out) {
      throw new UsageError({
        what: `adapter does not fit this model at "${name}"`,
        where: folder,
        expected:
          layer === undefined
            ? "a linear layer of this model"
            : `A [${rank}, ${layer.into}] and B [${layer.out}, ${rank}]`,
        found: `A of ${A.length} and B of ${B.length} numbers`,
        remedy: "use the adapter with the base model that it was trained on",
      });
    }
  }
  return loraSet(config, rank, alpha, (name, into, out) => {
    const pair = tensors.get(name);
    return pair ?? { A: new Float32Array(rank * into), B: new Float32Array(out * rank) };
  });
}

export async function writeLora(config: DecoderConfig, { lora, tensors }: ParameterSet, folder: string): Promise<void> {
  const pairs = unstackLora(config, (name) => tensors.get(name)!.data);
  await writeAdapter(folder, { ...lora!, tensors: pairs });
}

/** All weights of the checkpoint, in memory. */
export function fullSet({ config, tensors }: Checkpoint): ParameterSet {
  const entries = [...requiredTensors(config)].map(([name, shape]) => {
    const info: TensorInfo = tensors.get(name)!;
    return [name, { dtype: "float32" as const, shape, data: readTensor(info) }] as const;
  });
  return { kind: "full", tensors: new Map(entries), lora: undefined, optimizer: undefined, updates: 0 };
}

/** A deep copy without the optimizer: later updates of one do not reach the other. */
export function copySet(set: ParameterSet): ParameterSet {
  const tensors = new Map([...set.tensors].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]));
  return { ...set, tensors, optimizer: undefined };
}

function loraSet(
  config: DecoderConfig,
  rank: number,
  alpha: number,
  make: (name: string, into: number, out: number) => { readonly A: Float32Array; readonly B: Float32Array },
): ParameterSet {
  const tensors = new Map<string, HostTensor & { data: Float32Array<ArrayBuffer> }>();
  for (const stack of loraStacks(config)) {
    for (const { name, shape } of Object.values(stackedTensors(stack, rank))) {
      tensors.set(name, { dtype: "float32", shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
    }
  }
  const pairs = unstackLora(config, (name) => tensors.get(name)!.data);
  for (const { name, into, out } of adaptedLayers(config)) {
    const { A, B } = make(name, into, out);
    pairs.get(name)!.A.set(A);
    pairs.get(name)!.B.set(B);
  }
  return { kind: "lora", tensors, lora: { rank, alpha }, optimizer: undefined, updates: 0 };
}

const CHECKPOINT_FILES = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "chat_template.json",
];

/** Writes a fully trained model as a Hugging Face folder, its weights in float16; configuration, tokenizer and chat template are the checkpoint's. */
export async function writeFull(set: ParameterSet, { folder: source }: Checkpoint, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const tensors = new Map(
    [...set.tensors].map(([name, { shape, data }]) => [name, { dtype: "F16" as const, shape, data }]),
  );
  await writeSafetensors(join(folder, "model.safetensors"), tensors, { format: "pt" });
  for (const name of CHECKPOINT_FILES) {
    await copyFile(join(source, name), join(folder, name)).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause;
    });
  }
}

const TRAINING_FILE = "training.safetensors";
const parts = ["parameter", "first", "second"] as const;

/** Parameters and moments in float32, exactly as they are in memory. */
export async function writeTraining(set: ParameterSet, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { step, first, second } = optimizerOf(set);
  const tensors = new Map<string, { dtype: "F32"; shape: readonly number[]; data: Float32Array }>();
  for (const [name, { shape, data }] of set.tensors) {
    const values = { parameter: data, first: first.get(name)!, second: second.get(name)! };
    for (const part of parts) tensors.set(`${part}:${name}`, { dtype: "F32", shape, data: values[part] });
  }
  const counters = { step: String(step), updates: String(set.updates) };
  await writeSafetensors(join(folder, TRAINING_FILE), tensors, counters);
}

/** Restores what `writeTraining` wrote into a set of the same shapes. @throws FileError where they differ. */
export async function readTraining(set: ParameterSet, folder: string): Promise<void> {
  const file = join(folder, TRAINING_FILE);
  const { tensors, metadata } = await readHeader(file);
  const optimizer = optimizerOf(set);
  for (const [name, { data }] of set.tensors) {
    const targets = { parameter: data, first: optimizer.first.get(name)!, second: optimizer.second.get(name)! };
    for (const part of parts) {
      const info = tensors.get(`${part}:${name}`);
      const values = info === undefined ? undefined : readTensor(info);
      if (values?.length !== targets[part].length) {
        throw new FileError({
          what: `the checkpoint's "${part}:${name}" does not fit`,
          where: file,
          expected: `${targets[part].length} numbers`,
          found: values === undefined ? "none" : `${values.length}`,
          remedy: "resume with the model and the adapter settings of the run that wrote it",
        });
      }
      targets[part].set(values);
    }
  }
  optimizer.step = Number(metadata.step);
  set.updates = Number(metadata.updates);
}
