import { expect, test } from "vitest";
import { withAdjacent } from "../../../src/memory/bank/adjacent.js";
import type { ScoredMemory } from "../../../src/memory/bank/scored-memory.js";

const memory = (key: string, order: number, score?: number): ScoredMemory => ({
  key,
  value: { text: key, speaker: "Ana", time: "", source: `D${order}`, order },
  ...(score === undefined ? {} : { score }),
});

test("a memory's score is its own relative one, and half and a quarter of the best ones of the turns around it", () => {
  const all = [memory("a", 0), memory("b", 1), memory("b2", 1), memory("c", 2), memory("d", 3), memory("e", 7)];
  const found = [memory("c", 2, 0.9), memory("b", 1, 0.7), memory("b2", 1, 0.6), memory("e", 7, 0.5)];
  const scores = new Map(withAdjacent(found, all).map(({ key, score }) => [key, score]));
  // Relative: c 1, b 0.5, b2 0.25, e 0.
  expect(scores.get("a")).toBeCloseTo(0.5 / 2 + 1 / 4);
  expect(scores.get("b")).toBeCloseTo(0.5 + 1 / 2);
  expect(scores.get("b2")).toBeCloseTo(0.25 + 1 / 2);
  expect(scores.get("c")).toBeCloseTo(1 + 0.5 / 2);
  expect(scores.get("d")).toBeCloseTo(1 / 2 + 0.5 / 4);
  expect(scores.get("e")).toBe(0);
});

test("nothing found lends nothing", () => {
  expect(withAdjacent([], [memory("a", 0)])).toEqual([memory("a", 0, 0)]);
  expect(withAdjacent([], [])).toEqual([]);
});
