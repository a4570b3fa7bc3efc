/** LoRA adapters in peft's form: adapter_config.json and adapter_model.safetensors. */

import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { syncFolder, writeJson } from "../../atomic-file.js";
import { FileError, UsageError } from "../../errors.js";
import { hasCode, parseFields, readJson } from "../../json-file.js";
import { readHeader, readTensor, type TensorData, type TensorInfo, writeSafetensors } from "./safetensors.js";

/** The update of one linear layer is (alpha / rank) · B · A, added to its weight [out, in]. */
export interface LoraPair {
  /** Row-major [rank, in]. */
  readonly A: Float32Array;
  /** Row-major [out, rank]. */
  readonly B: Float32Array;
}

export interface AdapterFiles {
  readonly rank: number;
  readonly alpha: number;
  /** By linear layer, without ".weight": "model.layers.0.self_attn.q_proj". */
  readonly tensors: ReadonlyMap<string, LoraPair>;
}

export interface LoadedAdapter extends AdapterFiles {
  /** Last parts of the layers' names, sorted: "down_proj", "q_proj", … */
  readonly targetModules: readonly string[];
}

const configName = "adapter_config.json";
const weightsName = "adapter_model.safetensors";
const prefix = "base_model.model.";
const remedy = "export a plain LoRA adapter (peft's LoraConfig with r, lora_alpha and target_modules only)";

/** Options that change what an adapter computes, and that this package does not compute: they must be off. */
const unsupported = [
  "use_dora",
  "use_rslora",
  "use_qalora",
  "use_bdlora",
  "lora_bias",
  "fan_in_fan_out",
  "modules_to_save",
  "rank_pattern",
  "alpha_pattern",
  "layer_replication",
  "target_parameters",
  "trainable_token_indices",
  "alora_invocation_tokens",
  "arrow_config",
  "kasa_config",
  "monteclora_config",
  "velora_config",
] as const;

const off = z.unknown().refine(isOff, { message: "it to be off" }).optional();
const configSchema = z.object({
  peft_type: z.literal("LORA"),
  r: z.number().int().positive(),
  lora_alpha: z.number().positive(),
  bias: z.literal("none").default("none"),
  ...(Object.fromEntries(unsupported.map((name) => [name, off])) as Record<(typeof unsupported)[number], typeof off>),
});

function isOff(value: unknown): boolean {
  return !value || (typeof value === "object" && Object.keys(value).length === 0);
}

/** Reads a peft LoRA adapter. @throws FileError naming the option or tensor that is not supported. */
export async function readAdapter(folder: string): Promise<LoadedAdapter> {
  const configFile = join(folder, configName);
  const value = await readJson(configFile, "pass a folder that holds a peft adapter");
  const { r: rank, lora_alpha: alpha } = parseFields(configSchema, value, configFile, remedy);
  const file = join(folder, weightsName);
  const halves = new Map<string, { A?: TensorInfo; B?: TensorInfo }>();
  for (const [name, info] of (await readHeader(file)).tensors) {
    const match = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/.exec(name);
    if (match === null) {
      const expected = `${prefix}<layer>.lora_A.weight or .lora_B.weight`;
      throw new FileError({
        what: "a tensor does not belong to a LoRA adapter",
        where: file,
        expected,
        found: name,
        remedy,
      });
    }
    const layer = match[1]!;
    halves.set(layer, { ...halves.get(layer), [match[2]!]: info });
  }
  if (halves.size === 0) throw new FileError({ what: "the adapter has no tensors", where: file, remedy });
  const tensors = new Map<string, LoraPair>();
  for (const [layer, { A, B }] of halves) {
    tensors.set(layer, {
      A: readTensor(matrix(file, `${layer}.lora_A`, A, [rank, undefined])),
      B: readTensor(matrix(file, `${layer}.lora_B`, B, [undefined, rank])),
    });
  }
  return { rank, alpha, targetModules: targetModules(tensors), tensors };
}

function matrix(
  file: string,
  name: string,
  info: TensorInfo | undefined,
  [rows, columns]: readonly [number | undefined, number | undefined],
): TensorInfo {
  const fits = (length: number | undefined, wanted: number | undefined): boolean =>
    length !== undefined && (wanted === undefined || length === wanted);
  if (info?.shape.length === 2 && fits(info.shape[0], rows) && fits(info.shape[1], columns)) return info;
  throw new FileError({
    what: info === undefined ? `tensor "${name}" is missing` : `tensor "${name}" has the wrong shape`,
    where: file,
    expected: `[${rows ?? "out"}, ${columns ?? "in"}]`,
    ...(info === undefined ? {} : { found: `[${info.shape.join(", ")}]` }),
    remedy: "use the adapter_config.json and the tensors of one and the same adapter",
  });
}

const targetModules = (tensors: ReadonlyMap<string, LoraPair>): string[] =>
  [...new Set([...tensors.keys()].map((layer) => layer.slice(layer.lastIndexOf(".") + 1)))].sort();

export interface WriteAdapterOptions extends AdapterFiles {
  /** Name of the base model, for people and for peft's AutoPeftModel. */
  readonly baseModel?: string;
}

/**
 * Writes an adapter folder that peft loads. All of it appears at once: the files are made durable under a temporary name, which then
 * takes the folder's place; an adapter that was there before is replaced. @throws UsageError for values that do not fit the rank.
 */
export async function writeAdapter(folder: string, adapter: WriteAdapterOptions): Promise<void> {
  const { rank, alpha, tensors, baseModel } = adapter;
  const data = new Map<string, TensorData>();
  for (const [layer, { A, B }] of tensors) {
    for (const [half, values] of [["A", A] as const, ["B", B] as const]) {
      const length = values.length / rank;
      if (!Number.isInteger(length)) {
        throw new UsageError({
          what: `lora_${half} of "${layer}" does not fit the adapter's rank`,
          expected: `a multiple of ${rank} values`,
          found: `${values.length}`,
          remedy: "pass the rank that the adapter was made with",
        });
      }
      const shape = half === "A" ? [rank, length] : [length, rank];
      data.set(`${prefix}${layer}.lora_${half}.weight`, { dtype: "F32", shape, data: values });
    }
  }
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: baseModel ?? null,
    r: rank,
    lora_alpha: alpha,
    target_modules: targetModules(tensors),
    lora_dropout: 0,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    modules_to_save: null,
    use_dora: false,
    use_rslora: false,
  };
  const temporary = `${folder}.${randomUUID()}.partial`;
  await mkdir(dirname(folder), { recursive: true });
  try {
    await mkdir(temporary);
    await writeSafetensors(join(temporary, weightsName), data, { format: "pt" });
    await writeJson(join(temporary, configName), config);
    await replaceFolder(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(dirname(folder));
}

/** Node cannot exchange two folders in one step, so the old one steps aside first and comes back if the new one cannot move in. */
async function replaceFolder(temporary: string, folder: string): Promise<void> {
  const aside = `${temporary}.old`;
  const replaced = await rename(folder, aside).then(
    () => true,
    (error: unknown) => {
      if (hasCode(error, "ENOENT")) return false;
      throw error;
    },
  );
  try {
    await rename(temporary, folder);
  } catch (error) {
    if (replaced) await rename(aside, folder);
    throw error;
  }
  if (replaced) await rm(aside, { recursive: true, force: true });
}
