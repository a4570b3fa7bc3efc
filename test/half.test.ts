import { describe, expect, it } from "vitest";
import { bfloat16ToFloat32, float16Bits, float16ToFloat32, float16Value } from "../src/half.js";

describe("half precision", () => {
  it("gives every one of the 65536 float16 patterns back unchanged, NaN as some NaN", () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = float16Value(bits);
      const again = float16Bits(value);
      if (Number.isNaN(value)) expect(again & 0x7fff).toBeGreaterThan(0x7c00);
      else if (again !== bits && value !== 0) expect.fail(`pattern ${bits} became ${again}`);
    }
  });

  it("keeps the sign of zero", () => {
    expect(Object.is(float16ToFloat32(Uint16Array.of(0x8000))[0], -0)).toBe(true);
    expect(float16Bits(-0)).toBe(0x8000);
  });

  it("rounds ties to even and overflows to infinity where IEEE 754 does", () => {
    expect(float16Bits(1 + 2 ** -11)).toBe(0x3c00);
    expect(float16Bits(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(float16Bits(65519.996)).toBe(0x7bff);
    expect(float16Bits(65520)).toBe(0x7c00);
    expect(float16Bits(2 ** -25)).toBe(0);
    expect(float16Bits(1.5 * 2 ** -24)).toBe(2);
    expect(float16Bits(2 ** -14 - 2 ** -26)).toBe(0x0400);
  });

  it("widens bfloat16 exactly", () => {
    expect(bfloat16ToFloat32(Uint16Array.of(0x3f80, 0xbf80, 0x7f80, 0x0001))).toEqual(
      Float32Array.of(1, -1, Number.POSITIVE_INFINITY, 2 ** -133),
    );
  });
});
