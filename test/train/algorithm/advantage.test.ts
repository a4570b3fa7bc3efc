import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advantageKinds, groupAdvantages } from "../../../src/train/algorithm/advantage.js";

const rewards = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 16 });
const kinds = fc.constantFrom(...advantageKinds);

describe("group advantages", () => {
  it("divide by the unbiased standard deviation", () => {
    const [low, middle, high] = groupAdvantages([1, 2, 3], "mean-std");
    expect(low).toBeCloseTo(-1, 5);
    expect(middle).toBe(0);
    expect(high).toBeCloseTo(1, 5);
  });

  it("only subtract the mean where that is asked", () => {
    expect(groupAdvantages([0, 0, 3], "mean")).toEqual([-1, -1, 2]);
  });

  it("compare each reward with the mean of the others in leave-one-out", () => {
    expect(groupAdvantages([0, 0, 3], "leave-one-out")).toEqual([-1.5, -1.5, 3]);
  });

  it("sum to 0 within rounding", () => {
    fc.assert(
      fc.property(rewards, kinds, (values, kind) => {
        const spread = groupAdvantages(values, kind);
        expect(Math.abs(spread.reduce((a, b) => a + b, 0))).toBeLessThan(1e-7);
      }),
    );
  });

  it("are exactly 0 for equal rewards and for a group of one", () => {
    const equal = fc.tuple(fc.double({ min: -10, max: 10, noNaN: true }), fc.integer({ min: 1, max: 16 }));
    fc.assert(
      fc.property(equal, kinds, ([reward, count], kind) => {
        const advantages = groupAdvantages(new Array<number>(count).fill(reward), kind);
        expect(advantages.every((advantage) => advantage === 0)).toBe(true);
      }),
    );
  });

  it("keep the order of the rewards", () => {
    fc.assert(
      fc.property(rewards, kinds, (values, kind) => {
        const advantages = groupAdvantages(values, kind);
        for (let i = 1; i < values.length; i++) {
          if (values[i]! > values[i - 1]!) expect(advantages[i]).toBeGreaterThanOrEqual(advantages[i - 1]!);
        }
      }),
    );
  });
});
