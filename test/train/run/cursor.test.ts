import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CursorState, DataCursor } from "../../../src/train/run/cursor.js";

const itemsOf = (count: number) => Array.from({ length: count }, (_, i) => `item ${i}`);
const deal = (cursor: DataCursor, batches: number, size: number) =>
  Array.from({ length: batches }, () => cursor.take(size));

describe("a data cursor", () => {
  const cases = fc.record({
    count: fc.integer({ min: 1, max: 12 }),
    size: fc.integer({ min: 1, max: 15 }),
    seed: fc.nat(),
    batches: fc.integer({ min: 1, max: 40 }),
  });

  it("deals full batches of different items across the borders of epochs", () => {
    fc.assert(
      fc.property(cases, ({ count, size, seed, batches }) => {
        for (const batch of deal(new DataCursor(itemsOf(count), seed), batches, size)) {
          expect(batch).toHaveLength(Math.min(size, count));
          expect(new Set(batch).size).toBe(batch.length);
        }
      }),
    );
  });

  it("deals every item equally often, to within the one epoch under way and what it put off", () => {
    fc.assert(
      fc.property(cases, ({ count, size, seed, batches }) => {
        const cursor = new DataCursor(itemsOf(count), seed);
        const dealt = deal(cursor, batches, size).flat();
        const { epoch, position, deferred } = cursor.state;
        expect(dealt.length).toBe(epoch * count + position - deferred.length);
        const times = itemsOf(count).map((item) => dealt.filter((other) => other === item).length);
        for (const [i, item] of itemsOf(count).entries()) {
          const owed = deferred.includes(item) ? 1 : 0;
          expect([epoch, epoch + 1]).toContain(times[i]! + owed);
        }
      }),
    );
  });

  it("goes on from its state, written as JSON, as if it had not stopped", () => {
    fc.assert(
      fc.property(cases, fc.nat(40), ({ count, size, seed, batches }, stop) => {
        const whole = deal(new DataCursor(itemsOf(count), seed), stop + batches, size);
        const first = new DataCursor(itemsOf(count), seed);
        deal(first, stop, size);
        const state = JSON.parse(JSON.stringify(first.state)) as CursorState;
        expect(deal(new DataCursor(itemsOf(count), seed, state), batches, size)).toEqual(whole.slice(stop));
      }),
    );
  });

  it("takes each epoch in an order of its own, and each seed too", () => {
    const cursor = new DataCursor(itemsOf(7), 1);
    const epochs = deal(cursor, 5, 7).map(String);
    expect(new Set([...epochs, String(new DataCursor(itemsOf(7), 2).take(7))]).size).toBe(6);
  });

  it("puts off an item that the batch holds already, and deals it next", () => {
    const seed = Array.from({ length: 100 }, (_, i) => i).find((candidate) => {
      const cursor = new DataCursor(itemsOf(3), candidate);
      deal(cursor, 2, 2);
      return cursor.state.deferred.length > 0;
    })!;
    const cursor = new DataCursor(itemsOf(3), seed);
    const [, second] = deal(cursor, 2, 2);
    const { deferred } = cursor.state;
    expect(deferred).toEqual([second![0]]);
    expect(cursor.take(2)[0]).toBe(deferred[0]);
  });
});
