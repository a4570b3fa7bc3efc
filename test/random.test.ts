import { describe, expect, it } from "vitest";
import { Random, uniforms } from "../src/random.js";

describe("Random", () => {
  it("repeats itself for equal seeds and streams, and differs for near ones", () => {
    const draw = (seed: number, stream: number) => {
      const random = new Random(seed, stream);
      return Array.from({ length: 8 }, () => random.next());
    };
    expect(draw(1, 2)).toEqual(draw(1, 2));
    const first = [draw(0, 0), draw(0, 1), draw(1, 0), draw(-1, 0), draw(2 ** 32, 0)].map((values) => values[0]);
    expect(new Set(first).size).toBe(first.length);
  });

  it("is uniform in mean, variance and between neighbouring streams", () => {
    const values = Array.from({ length: 20_000 }, (_, stream) => new Random(7, stream).next());
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const lagged = values.slice(1).reduce((sum, value, i) => sum + (value - mean) * ((values[i] ?? 0) - mean), 0);
    expect(mean).toBeCloseTo(0.5, 1);
    expect(variance).toBeCloseTo(1 / 12, 2);
    expect(Math.abs(lagged / values.length / variance)).toBeLessThan(0.03);
  });

  it("draws integers of a range evenly and shuffles without loss", () => {
    const random = new Random(3);
    const counts = [0, 0, 0, 0, 0];
    for (let i = 0; i < 10_000; i++) counts[random.int(5)]! += 1;
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
    const items = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = random.shuffle(items);
    expect(shuffled).not.toEqual(items);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
  });

  it("draws keys by their weights", () => {
    const random = new Random(5);
    const drawn = Array.from({ length: 10_000 }, () => random.weighted({ often: 3, seldom: 1, never: 0 }));
    expect(drawn).not.toContain("never");
    expect(drawn.filter((key) => key === "often").length / drawn.length).toBeCloseTo(0.75, 1);
  });
});

describe("uniforms", () => {
  it("gives 32-bit floats in [0, 1) that depend on seed and stream alone", () => {
    const values = uniforms(11, 4, 100_000);
    expect(values).toEqual(uniforms(11, 4, 100_000));
    expect(values.subarray(0, 10)).toEqual(uniforms(11, 4, 10));
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(uniforms(11, 5, 10)).not.toEqual(uniforms(11, 4, 10));
  });
});
