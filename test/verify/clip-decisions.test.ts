import { describe, expect, it } from "vitest";
import { turnedTokens, withExpectedDecisions } from "../../src/verify/clip-decisions.js";

/** Two responses: the first gained, the second lost; clipped above 1.28 and below 0.8. */
const clip = { clipLow: 0.2, clipHigh: 0.28, advantages: [1, -1] };
const old = [
  [-1, -1, -1],
  [-2, -2, -2],
];
const ratios = (...rows: number[][]) => rows.map((row, i) => row.map((ratio, t) => old[i]![t]! + Math.log(ratio)));

describe("clip decisions", () => {
  it("are turned where an error crosses the bound that the advantage's sign makes matter, and nowhere else", () => {
    const expected = ratios([1.279, 0.79, 1.5], [0.801, 1.27, 0.5]);
    const own = ratios([1.281, 0.81, 1.4], [0.799, 1.29, 0.6]);
    const turned = turnedTokens(own, expected, old, clip);
    expect(turned.map(({ response, token }) => [response, token])).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(turned[0]!.distance).toBeCloseTo(Math.log(1.28 / 1.279), 12);
    expect(turned[1]!.distance).toBeCloseTo(Math.log(0.801 / 0.8), 12);
  });

  it("are all as expected once the turned tokens have the expected ratio, which changes no other token", () => {
    const expected = ratios([1.279, 1, 1.5], [0.801, 1, 0.5]);
    const own = ratios([1.29, 1.1, 1.4], [0.79, 0.9, 0.6]);
    const turned = turnedTokens(own, expected, old, clip);
    const mended = withExpectedDecisions(turned, own, expected, old);
    expect(Math.exp(own[0]![0]! - mended[0]![0]!)).toBeCloseTo(1.279, 12);
    expect(Math.exp(own[1]![0]! - mended[1]![0]!)).toBeCloseTo(0.801, 12);
    expect(mended.map((row) => row.slice(1))).toEqual(old.map((row) => row.slice(1)));
    expect(turned).toHaveLength(2);
  });
});
