import { describe, expect, it } from "vitest";
import { pairs, recording, rightAnswers } from "../../../src/report/read/conversation.js";
import { answer, shortTalk, step } from "../sample.js";

describe("recording", () => {
  it("takes the recorded reward for an answer's rightness, and compares with the gold answer where none was recorded", () => {
    const bank = ["b"];
    const [right, overruled, wrong, unknown] = [
      answer(bank, { id: "q1", text: "?", gold: "Oslo" }, "oslo."),
      answer(bank, { id: "q2", text: "?", gold: "Oslo" }, "Norway's capital"),
      answer(bank, { id: "q3", text: "?", gold: "Oslo" }, "Rome"),
      answer(bank, { id: "q4", text: "?" }, "Rome"),
    ] as const;
    const { conversations } = recording("r", [
      right,
      overruled,
      { type: "reward", id: "r", at: right.at, of: overruled.id, name: "exact-match", value: 1 },
      wrong,
      unknown,
    ]);
    expect(conversations[0]!.answers.map((one) => one.right)).toEqual([true, true, false, null]);
    expect(rightAnswers(conversations[0]!.answers)).toEqual({ right: 2, known: 3 });
  });
});

describe("pairs", () => {
  it("match conversations that open alike, by name where several do, whatever their banks are called otherwise", () => {
    const before = recording("b", [...shortTalk("one"), ...shortTalk("two"), step(["x"], "D1:1", "only here")]);
    const after = recording("a", [
      ...shortTalk("two").map((event) => ({ ...event, namespace: ["later", "two"], id: `later:${event.id}` })),
      ...shortTalk("one", "Rome"),
    ] as Parameters<typeof recording>[1]);
    const found = pairs(before, after).map(({ before: left, after: right }) => [left.namespace, right.namespace]);
    expect(found).toEqual([
      [
        ["user", "one"],
        ["user", "one"],
      ],
      [
        ["user", "two"],
        ["later", "two"],
      ],
    ]);
  });
});
