import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { bfloat16Bits, float16Bits } from "../src/half.js";
import type { DecoderConfig } from "../src/model/checkpoint/config.js";
import { decoderConfigToHuggingFace } from "../src/model/checkpoint/config-export.js";
import { requiredTensors } from "../src/model/checkpoint/weights.js";
import type { Precision } from "../src/model/graph/precision.js";
import { Random } from "../src/random.js";

const llama = (
  sizes: Pick<
    DecoderConfig,
    "vocabularySize" | "hiddenSize" | "layers" | "heads" | "keyValueHeads" | "headSize" | "intermediateSize"
  >,
): DecoderConfig => ({
  architecture: "llama",
  rmsNormEpsilon: 1e-5,
  ropeTheta: 1e5,
  ropeScaling: null,
  tiedEmbeddings: true,
  attentionBias: false,
  outputBias: false,
  mlpBias: false,
  queryKeyNorm: false,
  contextLength: 8192,
  slidingWindow: null,
  bosId: 1,
  eosIds: [2],
  padId: 0,
  ...sizes,
});

const qwen2 = (...parameters: Parameters<typeof llama>): DecoderConfig => ({
  ...llama(...parameters),
  architecture: "qwen2",
  rmsNormEpsilon: 1e-6,
  ropeTheta: 1e6,
  attentionBias: true,
});

/** Sizes of the models by name; "tiny" tries the program out. */
export const shapes = {
  tiny: qwen2({
    vocabularySize: 512,
    hiddenSize: 64,
    layers: 2,
    heads: 4,
    keyValueHeads: 2,
    headSize: 16,
    intermediateSize: 128,
  }),
  "smollm2-135m": llama({
    vocabularySize: 49_152,
    hiddenSize: 576,
    layers: 30,
    heads: 9,
    keyValueHeads: 3,
    headSize: 64,
    intermediateSize: 1536,
  }),
  "qwen2.5-0.5b": qwen2({
    vocabularySize: 151_936,
    hiddenSize: 896,
    layers: 24,
    heads: 14,
    keyValueHeads: 2,
    headSize: 64,
    intermediateSize: 4864,
  }),
  "qwen2.5-1.5b": qwen2({
    vocabularySize: 151_936,
    hiddenSize: 1536,
    layers: 28,
    heads: 12,
    keyValueHeads: 2,
    headSize: 128,
    intermediateSize: 8960,
  }),
  "7b": {
    ...qwen2({
      vocabularySize: 152_064,
      hiddenSize: 3584,
      layers: 28,
      heads: 28,
      keyValueHeads: 4,
      headSize: 128,
      intermediateSize: 18_944,
    }),
    tiedEmbeddings: false,
  },
} as const satisfies Readonly<Record<string, DecoderConfig>>;

export type ShapeName = keyof typeof shapes;

const types = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const;

/** Numbers that are repeated to fill the weights: not a power of two, so that rows of equal length do not repeat. */
const PERIOD = 1_048_583;

/** A checkpoint of random weights (uniform, deviation 0.02; norms 1, biases 0) in `precision`, written a few megabytes at a time. */
export function writeRandomCheckpoint(folder: string, config: DecoderConfig, precision: Precision): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.json"), JSON.stringify(decoderConfigToHuggingFace(config)));
  const size = precision === "float32" ? 4 : 2;
  let offset = 0;
  const tensors = [...requiredTensors(config)].map(([name, shape]) => {
    const bytes = size * shape.reduce((a, b) => a * b, 1);
    const info = { dtype: types[precision], shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
    return { name, bytes, info };
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(tensors.map(({ name, info }) => [name, info]))));
  const padded = Buffer.concat([header, Buffer.alloc((8 - (header.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const file = openSync(join(folder, "model.safetensors"), "w");
  try {
    writeSync(file, length);
    writeSync(file, padded);
    const random = new Random(0);
    const period = encode(precision, PERIOD, () => (2 * random.next() - 1) * 0.02 * Math.sqrt(3));
    let at = 0;
    for (const { name, bytes } of tensors) {
      if (name.endsWith("norm.weight"))
        writeSync(
          file,
          encode(precision, bytes / size, () => 1),
        );
      else if (name.endsWith(".bias")) writeSync(file, Buffer.alloc(bytes));
      else {
        for (let left = bytes; left > 0; ) {
          const part = period.subarray(at, Math.min(period.length, at + left));
          left -= writeSync(file, part);
          at = (at + part.length) % period.length;
        }
      }
    }
  } finally {
    closeSync(file);
  }
}

function encode(precision: Precision, count: number, value: () => number): Buffer {
  const bits = precision === "float16" ? float16Bits : bfloat16Bits;
  const data =
    precision === "float32"
      ? Float32Array.from({ length: count }, value)
      : Uint16Array.from({ length: count }, () => bits(value()));
  return Buffer.from(data.buffer);
}
