import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bfloat16Bits, float16Bits } from "../../src/half.js";
import { encode } from "../../src/onnx/value.js";

interface Format {
  readonly bits: (value: number) => number;
  readonly exponentBits: number;
  readonly mantissaBits: number;
}

const formats: Readonly<Record<string, Format>> = {
  float16: { bits: float16Bits, exponentBits: 5, mantissaBits: 10 },
  bfloat16: { bits: bfloat16Bits, exponentBits: 8, mantissaBits: 7 },
};

/** IEEE 754: the number of a pattern, by the definition of sign, exponent and fraction. Infinity is read as the next power of two. */
function decode(pattern: number, { exponentBits, mantissaBits }: Format): number {
  const sign = pattern >>> 15 === 0 ? 1 : -1;
  const exponent = (pattern & 0x7fff) >>> mantissaBits;
  const fraction = (pattern & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

describe.each(Object.entries(formats))("%s", (_, format) => {
  const infinity = (2 ** format.exponentBits - 1) << format.mantissaBits;
  const quietNaN = infinity | (1 << (format.mantissaBits - 1));

  it("gives back the pattern of every number that it can hold", () => {
    for (let pattern = 0; pattern < infinity; pattern++) {
      if (format.bits(decode(pattern, format)) !== pattern) expect.fail(`pattern ${pattern}`);
      const negative = pattern | 0x8000;
      if (format.bits(decode(negative, format)) !== negative) expect.fail(`pattern ${negative}`);
    }
  });

  it("rounds halfway between two neighbours to the even one, and anything else to the nearer", () => {
    for (let pattern = 0; pattern < infinity; pattern++) {
      const [low, high] = [decode(pattern, format), decode(pattern + 1, format)];
      const even = pattern % 2 === 0 ? pattern : pattern + 1;
      const [tie, quarter] = [(low + high) / 2, (high - low) / 4];
      if (format.bits(tie) !== even) expect.fail(`tie above ${low}`);
      if (format.bits(tie - quarter) !== pattern || format.bits(tie + quarter) !== pattern + 1) {
        expect.fail(`quarters above ${low}`);
      }
    }
  });

  it("picks the nearest number for any float32", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const pattern = format.bits(value) & 0x7fff;
        const error = (candidate: number) => Math.abs(Math.abs(value) - decode(candidate, format));
        expect(pattern).toBeLessThanOrEqual(infinity);
        if (pattern > 0) expect(error(pattern)).toBeLessThanOrEqual(error(pattern - 1));
        if (pattern < infinity) expect(error(pattern)).toBeLessThanOrEqual(error(pattern + 1));
        expect(format.bits(value) >>> 15).toBe(Number(value < 0 || Object.is(value, -0)));
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps infinities and NaN", () => {
    expect(format.bits(Number.POSITIVE_INFINITY)).toBe(infinity);
    expect(format.bits(Number.NEGATIVE_INFINITY)).toBe(infinity | 0x8000);
    expect(format.bits(Number.NaN)).toBe(quietNaN);
  });
});

describe("encode", () => {
  it("writes each type into the typed array that the runtime takes", () => {
    expect(encode([1, -2], "float32")).toEqual(Float32Array.of(1, -2));
    expect(encode([0.1], "float64")).toEqual(Float64Array.of(0.1));
    expect(encode([-3], "int64")).toEqual(BigInt64Array.of(-3n));
    expect(encode([7], "int32")).toEqual(Int32Array.of(7));
    expect(encode([1, 0], "bool")).toEqual(Uint8Array.of(1, 0));
    expect(encode([1], "float16")).toEqual(Uint16Array.of(0x3c00));
    expect(encode([1], "bfloat16")).toEqual(Uint16Array.of(0x3f80));
  });
});
