import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

/** Spreads a 32-bit number over all its bits (the finaliser of MurmurHash3), so that near seeds give far states. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Deterministic random numbers: equal (seed, stream) give equal sequences on every machine. */
export class Random {
  readonly #generator: ReturnType<typeof xoroshiro128plusFromState>;

  constructor(seed: number, stream = 0) {
    const first = mix(seed + 0x9e3779b9);
    const second = mix(first ^ mix(stream + 0x7f4a7c15));
    const third = mix(second + Math.floor(seed / 2 ** 32) + 0x6a09e667);
    const fourth = mix(third + Math.floor(stream / 2 ** 32) + 0x3c6ef372);
    // The all-zero state would stay zero for ever.
    this.#generator = xoroshiro128plusFromState([first, second, third, fourth | 1]);
  }

  /** Uniform in [0, 1). */
  next(): number {
    return uniformFloat64(this.#generator);
  }

  /** Uniform integer in [0, n). */
  int(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One item of a list that must not be empty. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("pick from an empty list");
    return items[this.int(items.length)] as T;
  }

  /** A key of `weights`, with probability proportional to its weight. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    const last = entries.findLast(([, weight]) => weight > 0);
    if (last === undefined) throw new RangeError("no positive weight");
    return last[0];
  }

  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }

  /** `value` rounded up or down at random, so that its mean is kept. */
  round(value: number): number {
    return Math.floor(value) + (this.chance(value - Math.floor(value)) ? 1 : 0);
  }
}

/** `n` uniforms in [0, 1) of the random stream (seed, stream), as 32-bit floats. */
export function uniforms(seed: number, stream: number, n: number): Float32Array {
  const random = new Random(seed, stream);
  // Rounding to 32 bits must not reach 1, which would lie outside of the range.
  return Float32Array.from({ length: n }, () => Math.min(random.next(), 1 - 2 ** -24));
}
