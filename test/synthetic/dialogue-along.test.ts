import { expect, test } from "vitest";
import { generateDialogues } from "../../src/synthetic/dialogue.js";

const dialogues = generateDialogues({ seed: 4, count: 20, split: "train", asking: "along" });

test("questions along the way ask about each thing after the turn that told it, and never of what was not yet told", () => {
  for (const { turns, questions } of dialogues) {
    const position = new Map(turns.map(({ id }, index) => [id, index]));
    for (const { after, evidence } of questions) {
      const places = evidence.map((id) => position.get(id)!);
      expect(Math.max(...places)).toBe(position.get(after!));
    }
    const asked = new Set(questions.map(({ after }) => after));
    for (const turn of turns) {
      const news = turn.told.some(({ kind }) => kind !== "repetition");
      if (news) expect(asked.has(turn.id)).toBe(true);
    }
  }
});

test("a question along the way is answered as things stand then: after a retraction with none", () => {
  const ended = dialogues.flatMap(({ questions }) => questions.filter(({ category }) => category === "no-longer-true"));
  expect(ended.length).toBeGreaterThan(10);
  for (const { gold } of ended) expect(gold).toBe("none");
});
