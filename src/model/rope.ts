import { constant, type Value } from "../onnx/value.js";
import type { DecoderConfig } from "./config.js";

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

/** Cosines and sines [contextLength, headSize / 2]. */
export function rotaryTables(config: DecoderConfig): { readonly cosines: Value; readonly sines: Value } {
  const frequencies = inverseFrequencies(config);
  const shape = [config.contextLength, frequencies.length];
  const table = (f: (angle: number) => number) => {
    const data = new Float32Array(shape[0]! * shape[1]!);
    for (let position = 0, k = 0; position < shape[0]!; position++) {
      for (const frequency of frequencies) data[k++] = f(position * frequency);
    }
    return constant("float32", shape, data);
  };
  return { cosines: table(Math.cos), sines: table(Math.sin) };
}
