import type { Pooling } from "./bert-config.js";

/** Token vectors of a batch, padded to one length. */
export interface TokenVectors {
  /** [texts, length, size] in one array. */
  readonly data: Float32Array;
  readonly length: number;
  readonly size: number;
}

/** One vector of unit length for each text, from its own tokens only. `counts` are the texts' tokens without padding. */
export function pool({ data, length, size }: TokenVectors, counts: readonly number[], pooling: Pooling): number[][] {
  return counts.map((count, text) => {
    const sum = new Float64Array(size);
    for (let token = 0; token < (pooling === "first" ? 1 : count); token++) {
      const from = (text * length + token) * size;
      for (let i = 0; i < size; i++) sum[i]! += data[from + i]!;
    }
    // The mean's divisor cancels: only the direction counts.
    const norm = Math.hypot(...sum);
    return Array.from(sum, (value) => (norm === 0 ? 0 : value / norm));
  });
}
