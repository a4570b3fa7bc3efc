import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResponseReader } from "../../../src/model/chat/response-reader.js";
import { byteTokenizer, endId } from "../fake-engine.js";

const letters = fc.string({ unit: fc.constantFrom("a", "b", "é", "😀"), maxLength: 30 });
const stops = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "é", "😀"), minLength: 1, maxLength: 4 }), {
  maxLength: 3,
});

function read(text: string, stop: readonly string[], cuts: readonly number[]): ResponseReader & { text: string } {
  const ids = [...byteTokenizer.encode(text), endId];
  const reader = new ResponseReader(byteTokenizer, stop);
  let [read, rest] = ["", ids];
  for (const cut of cuts) {
    read += reader.push(rest.slice(0, cut), Array(cut).fill(-1));
    rest = rest.slice(cut);
  }
  read += reader.push(rest, Array(rest.length).fill(-1)) + reader.end();
  return Object.assign(reader, { text: read });
}

describe("ResponseReader", () => {
  it("gives the text before the stop string that is complete first, however the tokens arrive", () => {
    fc.assert(
      fc.property(letters, stops, fc.array(fc.integer({ min: 0, max: 5 })), (text, stop, cuts) => {
        const reader = read(text, stop, cuts);
        const ends = [...text].map((_, index, all) => all.slice(0, index + 1).join(""));
        const at = ends.find((beginning) => stop.some((string) => beginning.endsWith(string)));
        if (at === undefined) {
          expect(reader.text).toBe(text);
          expect(reader.ids).toEqual([...byteTokenizer.encode(text), endId]);
        } else {
          const longest = Math.max(...stop.filter((string) => at.endsWith(string)).map((string) => string.length));
          expect(reader.text).toBe(at.slice(0, at.length - longest));
          expect(reader.ids).toEqual(byteTokenizer.encode(at));
        }
        expect(reader.stopped).toBe(at !== undefined);
        expect(reader.logprobs).toHaveLength(reader.ids.length);
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps the end token among the ids and out of the text", () => {
    const reader = read("a", [], []);
    expect([reader.text, reader.ids]).toEqual(["a", [97, endId]]);
  });
});
