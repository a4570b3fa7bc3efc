import { describe, expect, it, test } from "vitest";
import type { MemoryStep, RetrievedMemory } from "../../../src/trace/episode.js";
import { evidenceHolders } from "../../../src/trace/evidence-holders.js";
import { namedEvidence } from "../../../src/train/tasks/named-evidence.js";

const shown = (...keys: string[]): RetrievedMemory[] =>
  keys.map((key, i) => ({ alias: `m${i + 1}`, key, text: key, speaker: "Ana", time: "", source: "", order: i }));

const step = (turn: string, ...keys: string[]): MemoryStep =>
  ({ turn: { id: turn }, changes: keys.map((key) => ({ key })) }) as unknown as MemoryStep;

test("a memory holds each turn that made or changed it; turns that no shown memory holds count for nothing", () => {
  const steps = [step("D1", "a", "b"), step("D2", "a"), step("D3", "c"), step("D4")];
  expect(evidenceHolders(shown("b", "a", "x"), ["D1", "D2", "D3", "D4", "D5"], steps)).toEqual([["m1", "m2"], ["m2"]]);
  expect(evidenceHolders(shown("x"), ["D1"], steps)).toEqual([]);
});

describe("naming memories earns", () => {
  const holders = [["m1", "m2"], ["m3"]];
  it.each([
    ["all for one of each turn, and nothing more", ["m2", "m3"], 1],
    ["all for more than one of a turn", ["m1", "m2", "m3"], 1],
    ["less where a turn is left out", ["m1"], (2 * 1 * 0.5) / 1.5],
    ["less where others are named too", ["m1", "m3", "m4", "m5"], (2 * 0.5 * 1) / 1.5],
    ["nothing for others alone", ["m4"], 0],
    ["nothing where none is named", [], 0],
  ])("%s", (_, named, earned) => {
    expect(namedEvidence(named, holders)).toBeCloseTo(earned);
  });

  it("nothing where none of the evidence was shown", () => {
    expect(namedEvidence(["m1"], [])).toBe(0);
  });
});
