import { describe, expect, it } from "vitest";
import { type EvaluationScores, scoreAnswers, scoreBanks } from "../../../src/evaluate/evaluation-scores.js";
import { scorePlayed } from "../../../src/evaluate/score-played.js";
import { noUsage } from "../../../src/evaluate/usage.js";
import { scoreRows } from "../../../src/report/read/score-rows.js";

const answered = { conversation: "c", gold: "Oslo", prediction: "Oslo", category: "where" };

const evaluated: EvaluationScores = {
  name: "base",
  facts: "model",
  conversations: 1,
  ...scoreAnswers([answered, { ...answered, prediction: "Rome" }], 0),
  bank: scoreBanks([{ bankSize: 2, steps: [] }]),
  answererUnparsable: 0,
  tooLong: 0,
  evidenceRecall: 1,
  evidenceSelected: 1,
  memoriesShown: 2,
  judgeUnparsable: null,
  cost: { manager: noUsage, answerer: noUsage, judge: noUsage },
};

describe("scoreRows", () => {
  it("reads an evaluation's scores with their intervals, through JSON", () => {
    const [row] = scoreRows(JSON.parse(JSON.stringify([evaluated])), "scores.json");
    expect(row).toMatchObject({ name: "base", conversations: 1, questions: 2, bank: { bankSize: 2 } });
    expect(row!.metrics["exact-match"]).toBe(0.5);
    expect(row!.intervals.f1!.questions).toEqual(evaluated.intervals.f1!.questions);
    expect(row!.categories.where!.questions).toBe(2);
  });

  it("reads a comparison's scores as they are", () => {
    const [row] = scoreRows([scorePlayed("NOOP", [])], "scores");
    expect(row).toMatchObject({ name: "NOOP", conversations: 0, bank: { bankSize: 0, managerUnparsable: null } });
  });

  it("names the first field that is wrong, and where it is", () => {
    expect(() => scoreRows([{ name: "base" }], "scores.json")).toThrow(/^scores\.json: .*0\.questions/);
    expect(() => scoreRows({ rows: [] }, "scores.json")).toThrow(/memory-r1 evaluate --json/);
  });
});
