import { bfloat16Bits, float16Bits } from "../../half.js";
import { constant, type Value } from "../../onnx/value.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import type { Precision } from "./precision.js";

/** Angle per position of each of the headSize / 2 rotating pairs (RoFormer, eq. 15; Llama 3.1's stretch for long contexts). */
export function inverseFrequencies({ headSize, ropeTheta, ropeScaling }: DecoderConfig): Float64Array {
  return Float64Array.from({ length: headSize / 2 }, (_, i) => {
    const frequency = ropeTheta ** ((-2 * i) / headSize);
    if (ropeScaling === null) return frequency;
    if (ropeScaling.type === "linear") return frequency / ropeScaling.factor;
    const { factor, lowFrequencyFactor, highFrequencyFactor, originalContextLength } = ropeScaling;
    const turns = (originalContextLength * frequency) / (2 * Math.PI);
    // 1 where a pair turns often enough within the original context to be left as it is, 0 where it is slowed by the full factor.
    const kept = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
    const share = Math.min(Math.max(kept, 0), 1);
    return share * frequency + ((1 - share) * frequency) / factor;
  });
}

export interface RotaryTables {
  readonly cosines: Value;
  readonly sines: Value;
}

const tables = new WeakMap<DecoderConfig, Map<string, RotaryTables>>();

/**
 * Cosines and sines [contextLength + beyond, headSize / 2], one pair of values for all graphs of a config that ask for the same. `beyond` is
 * what a kernel wants of its cache's room, where no token that counts ever stands.
 */
export function rotaryTables(config: DecoderConfig, dtype: Precision, beyond = 0): RotaryTables {
  const known = tables.get(config) ?? new Map<string, RotaryTables>();
  tables.set(config, known);
  const key = `${dtype} ${beyond}`;
  const made = known.get(key) ?? makeTables(config, dtype, beyond);
  known.set(key, made);
  return made;
}

function makeTables(config: DecoderConfig, dtype: Precision, beyond: number): RotaryTables {
  const frequencies = inverseFrequencies(config);
  const shape = [config.contextLength + beyond, frequencies.length];
  const size = shape[0]! * shape[1]!;
  const table = (f: (angle: number) => number) => {
    const data = dtype === "float32" ? new Float32Array(size) : new Uint16Array(size);
    const bits = dtype === "float32" ? Number : dtype === "float16" ? float16Bits : bfloat16Bits;
    for (let position = 0, k = 0; position < shape[0]!; position++) {
      for (const frequency of frequencies) data[k++] = bits(f(position * frequency));
    }
    return constant(dtype, shape, data);
  };
  return { cosines: table(Math.cos), sines: table(Math.sin) };
}
