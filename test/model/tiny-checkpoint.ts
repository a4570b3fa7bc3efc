import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DecoderConfig } from "../../src/model/checkpoint/config.js";
import { decoderConfigToHuggingFace } from "../../src/model/checkpoint/config-export.js";
import { writeSafetensors } from "../../src/model/checkpoint/safetensors.js";
import { requiredTensors } from "../../src/model/checkpoint/weights.js";
import { Random } from "../../src/random.js";
import { temporaryFolder } from "./reference.js";

/** Grouped keys, biases, norms on queries and keys, tied embeddings: every branch that costs little. */
export const tinyConfig: DecoderConfig = {
  architecture: "qwen3",
  vocabularySize: 48,
  hiddenSize: 16,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headSize: 6,
  intermediateSize: 24,
  rmsNormEpsilon: 1e-6,
  ropeTheta: 10_000,
  ropeScaling: null,
  tiedEmbeddings: true,
  attentionBias: false,
  outputBias: false,
  mlpBias: false,
  queryKeyNorm: true,
  contextLength: 128,
  slidingWindow: null,
  bosId: 1,
  eosIds: [2],
  padId: 0,
};

/** A random checkpoint in Hugging Face form, in a folder that is removed after the test. */
export async function tinyCheckpoint(config: DecoderConfig = tinyConfig, seed = 1): Promise<string> {
  return writeTinyCheckpoint(await temporaryFolder(), config, seed);
}

/** The same in a folder of the caller's own. */
export async function writeTinyCheckpoint(folder: string, config = tinyConfig, seed = 1): Promise<string> {
  await writeFile(join(folder, "config.json"), JSON.stringify(decoderConfigToHuggingFace(config)));
  const random = new Random(seed);
  const tensors = new Map(
    [...requiredTensors(config)].map(([name, shape]) => {
      const size = shape.reduce((product, length) => product * length, 1);
      // Norms lie about 1; the rest is large enough for distributions that are far from flat.
      const centre = name.endsWith("norm.weight") ? 1 : 0;
      const scale = name.includes("embed") ? 1.5 : 2 / Math.sqrt(shape.at(-1)!);
      const data = Float32Array.from({ length: size }, () => centre + scale * (random.next() - 0.5));
      return [name, { dtype: "F32" as const, shape, data }] as const;
    }),
  );
  await writeSafetensors(join(folder, "model.safetensors"), tensors, { format: "pt" });
  return folder;
}

/** Random ids above the special ones. */
export function randomIds(count: number, seed: number, config: DecoderConfig = tinyConfig): number[] {
  const random = new Random(seed, 7);
  return Array.from({ length: count }, () => 3 + random.int(config.vocabularySize - 3));
}
