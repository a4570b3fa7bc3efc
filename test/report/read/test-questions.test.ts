import { describe, expect, it } from "vitest";
import type { Dialogue } from "../../../src/evaluate/dialogue.js";
import { drawQuestions } from "../../../src/report/read/test-questions.js";

const dialogue = (id: string, questions: number): Dialogue => ({
  id,
  speakers: ["Ana", "Ben"],
  turns: [],
  questions: [
    ...Array.from({ length: questions }, (_, at) => ({ id: `${id}:${at}`, text: "?", gold: "!" })),
    { id: `${id}:no gold`, text: "?" },
  ],
});

const test = [dialogue("a", 5), dialogue("b", 35)];
const ids = (seed: number): string[] => drawQuestions(test, seed).map(({ question }) => question.id);

describe("the questions that a report shows", () => {
  it("are ten, each once, and the same for the same seed", () => {
    expect(new Set(ids(3)).size).toBe(10);
    expect(ids(3)).toEqual(ids(3));
    expect(ids(3)).not.toEqual(ids(4));
    expect(drawQuestions([dialogue("a", 3)], 0).length).toBe(3);
  });

  it("come from all questions with a gold answer alike, of whatever conversation", () => {
    const drawn = Array.from({ length: 1000 }, (_, seed) => ids(seed)).flat();
    const times = new Map<string, number>();
    for (const id of drawn) times.set(id, (times.get(id) ?? 0) + 1);
    // 250 of each are expected, with a standard deviation below 14.
    expect(times.size).toBe(40);
    expect(Math.min(...times.values())).toBeGreaterThan(190);
    expect(Math.max(...times.values())).toBeLessThan(310);
    expect([...times.keys()].some((id) => id.endsWith("no gold"))).toBe(false);
  });
});
