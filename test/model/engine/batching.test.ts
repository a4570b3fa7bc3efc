import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BatchSize, microBatches } from "../../../src/model/engine/batching.js";

const within =
  (limit: number) =>
  ({ count, prompt, group, response }: BatchSize): boolean =>
    count * (prompt + group * response) <= limit;

describe("microBatches", () => {
  it("cuts equal items evenly: eight of which five fit are four and four", () => {
    const items = Array.from({ length: 8 }, () => ({ prompt: 20, group: 2, response: 10 }));
    expect(microBatches(items, within(200), 1000).map((batch) => batch.length)).toEqual([4, 4]);
  });

  it("gives every item to one batch that fits, but for items that do not fit alone", () => {
    const item = fc.record({
      prompt: fc.integer({ min: 1, max: 90 }),
      group: fc.constantFrom(1, 2),
      response: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), fc.integer({ min: 20, max: 300 }), (items, limit) => {
        const batches = microBatches(items, within(limit), 100);
        expect(batches.flat().sort((a, b) => a - b)).toEqual(items.map((_, index) => index));
        for (const batch of batches.filter(({ length }) => length > 1)) {
          const all = batch.map((index) => items[index]!);
          expect(new Set(all.map(({ group }) => group)).size).toBe(1);
          const longest = (of: (size: (typeof all)[number]) => number) => Math.max(...all.map(of));
          const size = { count: all.length, prompt: longest((x) => x.prompt), response: longest((x) => x.response) };
          expect(within(limit)({ ...size, group: all[0]!.group })).toBe(true);
        }
      }),
    );
  });
});
