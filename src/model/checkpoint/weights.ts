import { access } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { FileError } from "../../errors.js";
import { parseFields, readOptionalJson } from "../../json-file.js";
import type { DecoderConfig } from "./config.js";
import { readHeader, type TensorInfo } from "./safetensors.js";

/** A checkpoint whose needed tensors are known to be there, with the right shapes. */
export interface Checkpoint {
  readonly folder: string;
  readonly config: DecoderConfig;
  /** By Hugging Face name; linear weights are [out, in]. May hold tensors that the decoder does not use. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

/** Every tensor that the decoder reads, by Hugging Face name, with its shape. */
export function requiredTensors(config: DecoderConfig): Map<string, readonly number[]> {
  const { hiddenSize, intermediateSize, headSize, vocabularySize } = config;
  const querySize = config.heads * headSize;
  const keyValueSize = config.keyValueHeads * headSize;
  const shapes = new Map<string, readonly number[]>([["model.embed_tokens.weight", [vocabularySize, hiddenSize]]]);
  const linear = (name: string, out: number, into: number, bias: boolean): void => {
    shapes.set(`${name}.weight`, [out, into]);
    if (bias) shapes.set(`${name}.bias`, [out]);
  };
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    shapes.set(`${prefix}.input_layernorm.weight`, [hiddenSize]);
    linear(`${prefix}.self_attn.q_proj`, querySize, hiddenSize, config.attentionBias);
    linear(`${prefix}.self_attn.k_proj`, keyValueSize, hiddenSize, config.attentionBias);
    linear(`${prefix}.self_attn.v_proj`, keyValueSize, hiddenSize, config.attentionBias);
    if (config.queryKeyNorm) {
      shapes.set(`${prefix}.self_attn.q_norm.weight`, [headSize]);
      shapes.set(`${prefix}.self_attn.k_norm.weight`, [headSize]);
    }
    linear(`${prefix}.self_attn.o_proj`, hiddenSize, querySize, config.outputBias);
    shapes.set(`${prefix}.post_attention_layernorm.weight`, [hiddenSize]);
    linear(`${prefix}.mlp.gate_proj`, intermediateSize, hiddenSize, config.mlpBias);
    linear(`${prefix}.mlp.up_proj`, intermediateSize, hiddenSize, config.mlpBias);
    linear(`${prefix}.mlp.down_proj`, hiddenSize, intermediateSize, config.mlpBias);
  }
  shapes.set("model.norm.weight", [hiddenSize]);
  if (!config.tiedEmbeddings) shapes.set("lm_head.weight", [vocabularySize, hiddenSize]);
  return shapes;
}

/** Opens a single or sharded safetensors checkpoint and checks it against the config. Reads headers only. @throws FileError. */
export async function openCheckpoint(folder: string, config: DecoderConfig): Promise<Checkpoint> {
  return { folder, config, tensors: await openTensors(folder, requiredTensors(config)) };
}

/** The tensors of a folder's safetensors files, of which the required ones have these shapes. @throws FileError. */
export async function openTensors(
  folder: string,
  required: ReadonlyMap<string, readonly number[]>,
): Promise<ReadonlyMap<string, TensorInfo>> {
  const tensors = new Map<string, TensorInfo>();
  for (const file of await listFiles(folder)) {
    for (const [name, info] of (await readHeader(file)).tensors) tensors.set(name, info);
  }
  for (const [name, shape] of required) checkTensor(folder, name, shape, tensors.get(name));
  return tensors;
}

function checkTensor(folder: string, name: string, shape: readonly number[], info: TensorInfo | undefined): void {
  const expected = `[${shape.join(", ")}]`;
  const remedy = "use the config.json and the weights of one and the same checkpoint";
  if (info === undefined) {
    throw new FileError({ what: `tensor "${name}" is missing`, where: folder, expected: `shape ${expected}`, remedy });
  }
  if (info.shape.length !== shape.length || info.shape.some((length, axis) => length !== shape[axis])) {
    const found = `[${info.shape.join(", ")}]`;
    throw new FileError({ what: `tensor "${name}" has the wrong shape`, where: info.file, expected, found, remedy });
  }
  if (info.dtype !== "F32" && info.dtype !== "F16" && info.dtype !== "BF16") {
    throw new FileError({
      what: `tensor "${name}" has an unsupported type`,
      where: info.file,
      expected: "F32, F16 or BF16",
      found: info.dtype,
      remedy: "use an unquantised checkpoint",
    });
  }
}

const indexSchema = z.object({
  // A name with a folder in it could point outside the checkpoint.
  weight_map: z.record(
    z.string(),
    z.string().refine((name) => name === basename(name) && !name.includes("\\") && name.endsWith(".safetensors"), {
      message: "the name of a .safetensors file in the same folder",
    }),
  ),
});

async function listFiles(folder: string): Promise<string[]> {
  const single = join(folder, "model.safetensors");
  const exists = await access(single).then(
    () => true,
    () => false,
  );
  if (exists) return [single];
  const indexFile = join(folder, "model.safetensors.index.json");
  const index = await readOptionalJson(indexFile);
  if (index === undefined) {
    throw new FileError({
      what: "no weights in this folder",
      where: folder,
      expected: "model.safetensors or model.safetensors.index.json",
      remedy: "pass a Hugging Face checkpoint saved as safetensors",
    });
  }
  const { weight_map } = parseFields(indexSchema, index, indexFile, "download the index file again");
  return [...new Set(Object.values(weight_map))].sort().map((name) => join(folder, name));
}
