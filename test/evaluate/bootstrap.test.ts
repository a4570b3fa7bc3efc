import { describe, expect, it } from "vitest";
import { bootstrapIntervals } from "../../src/evaluate/bootstrap.js";
import { Random } from "../../src/random.js";

const random = new Random(7);
const coins = Array.from({ length: 1000 }, () => [Number(random.chance(0.3))]);
const width = ([low, high]: readonly [number, number]) => high - low;

describe("bootstrap intervals", () => {
  it("are as wide as the normal approximation says where it holds", () => {
    const share = coins.reduce((sum, [value]) => sum + value!, 0) / coins.length;
    const [interval] = bootstrapIntervals(coins, { seed: 1, draws: 4000 })!;
    const expected = 2 * 1.96 * Math.sqrt((share * (1 - share)) / coins.length);
    expect(width(interval!) / expected).toBeGreaterThan(0.93);
    expect(width(interval!) / expected).toBeLessThan(1.07);
    expect((interval![0] + interval![1]) / 2).toBeCloseTo(share, 2);
  });

  it("over clusters of equal members count each cluster as one observation", () => {
    // 50 clusters of 20 equal values: 1000 rows know no more than 50 of them.
    const few = Array.from({ length: 50 }, (_, i) => [Number(i % 3 === 0)]);
    const rows = few.flatMap((row) => Array.from({ length: 20 }, () => row));
    const clusters = few.flatMap((_, i) => Array.from({ length: 20 }, () => `c${i}`));
    const [clustered] = bootstrapIntervals(rows, { seed: 1, draws: 4000 }, clusters)!;
    const [plain] = bootstrapIntervals(few, { seed: 1, draws: 4000 })!;
    const [blind] = bootstrapIntervals(rows, { seed: 1, draws: 4000 })!;
    // Means come in steps of 1/50.
    expect(Math.abs(width(clustered!) - width(plain!))).toBeLessThan(0.03);
    expect(width(clustered!)).toBeGreaterThan(3 * width(blind!));
  });

  it("weigh clusters by their members", () => {
    // Nine questions of one conversation all right, one of another wrong: every mean is 0, 1, or 9/10.
    const rows = [...Array.from({ length: 9 }, () => [1]), [0]];
    const clusters = [...Array.from({ length: 9 }, () => "a"), "b"];
    const [[low, high]] = bootstrapIntervals(rows, { seed: 1, level: 0.999 }, clusters) as [[number, number]];
    expect([low, high]).toEqual([0, 1]);
    const [[, middle]] = bootstrapIntervals(rows, { seed: 1, level: 0.2 }, clusters) as [[number, number]];
    expect(middle).toBeCloseTo(0.9, 12);
  });

  it("are the same for the same seed, point at equal rows, and say nothing about no rows or a single cluster", () => {
    expect(bootstrapIntervals(coins, { seed: 3 })).toEqual(bootstrapIntervals(coins, { seed: 3 }));
    expect(bootstrapIntervals(coins, { seed: 3 })).not.toEqual(bootstrapIntervals(coins, { seed: 4 }));
    const [first, second] = bootstrapIntervals(
      [
        [0.25, 1],
        [0.25, 1],
      ],
      { seed: 1 },
    )!;
    expect([first, second]).toEqual([
      [0.25, 0.25],
      [1, 1],
    ]);
    expect(bootstrapIntervals([], { seed: 1 })).toBeNull();
    expect(
      bootstrapIntervals(
        coins,
        { seed: 1 },
        coins.map(() => "one"),
      ),
    ).toBeNull();
  });
});
