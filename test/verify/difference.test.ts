import { describe, expect, it } from "vitest";
import { differing, directionError, largestDifference, parting, worst } from "../../src/verify/difference.js";

describe("differences", () => {
  it("are never small where lengths differ or a number is missing", () => {
    expect(largestDifference([1, 2], [1, 2.5])).toBe(0.5);
    expect(largestDifference([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
    expect(largestDifference([1, Number.NaN, 3], [1, 2, 3])).toBeNaN();
  });

  it("of sequences count the places that only one of them has", () => {
    expect(differing([1, 2, 3], [1, 5])).toBe(2);
    expect(differing([], [])).toBe(0);
    expect(parting([1, 2, 3], [1, 5])).toBe(1);
    expect(parting([1, 2], [1, 2, 3])).toBe(2);
  });

  it("of gradients are relative to the expected one, and see a flipped sign", () => {
    const { relative, angle } = directionError([3, 4.5], [3, 4]);
    expect(relative).toBeCloseTo(0.1, 12);
    expect(angle).toBeLessThan(0.01);
    expect(directionError([-3, -4], [3, 4])).toEqual({ relative: 2, angle: 2 });
    expect(directionError([0, 0], [0, 0])).toEqual({ relative: 0, angle: 0 });
    expect(directionError([0, 0], [3, 4]).angle).toBeNaN();
  });

  it("name the worst item, and one without a number before all others", () => {
    expect(worst([1, 3, 2], (x) => x)).toEqual({ error: 3, item: 3 });
    expect(worst([1, Number.NaN, 2], (x) => x).error).toBeNaN();
    expect(worst([], () => 1)).toEqual({ error: 0, item: undefined });
  });
});
