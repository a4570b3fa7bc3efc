import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileError, UsageError } from "../../src/errors.js";
import { EvaluationLog } from "../../src/evaluate/evaluation-log.js";
import { readPredictions } from "../../src/evaluate/predictions.js";
import { scorePredictions } from "../../src/evaluate/score-predictions.js";
import { lastText, ScriptedModel } from "../memory/scripted-model.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "predictions-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(content: string): Promise<string> {
  const path = join(folder, "predictions.json");
  await writeFile(path, content);
  return path;
}

async function scores(content: string) {
  const predictions = await readPredictions(await file(content));
  return scorePredictions(predictions, { seed: 1, log: new EvaluationLog(), concurrency: 2 });
}

describe("a file of predictions", () => {
  it("is scored by condition and category, in both exact matches", async () => {
    const [bm25, none] = await scores(
      JSON.stringify([
        { condition: "bm25", conversation: "a", category: 4, gold: 2022, prediction: "2022.", recall: 0.5 },
        { condition: "bm25", conversation: "b", category: 2, gold: "Oslo", prediction: "Rome", recall: 1 },
        { condition: "none", category: 4, gold: "Oslo", prediction: "oslo" },
      ]),
    );
    expect(bm25).toMatchObject({ name: "bm25", questions: 2, conversations: 2, evidenceRecall: 0.75 });
    expect(bm25!.metrics).toMatchObject({ f1: 0.5, "exact-match": 0.5, "strict-exact-match": 0 });
    expect(bm25!.categories["2"]).toMatchObject({ questions: 1, metrics: { f1: 0 } });
    expect(none).toMatchObject({ name: "none", evidenceRecall: null, metrics: { "strict-exact-match": 1 } });
    expect(none!.intervals.f1).toEqual({ questions: [1, 1], conversations: null });
  });

  it("may be JSON lines, with answer for gold, among lines of other types", async () => {
    const lines = [
      { type: "settings" },
      { prediction: "kayak", answer: "kayaks" },
      { type: "answer", row: "base", prediction: "b", gold: "c" },
    ];
    const all = await scores(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
    expect(all.map(({ name, metrics }) => [name, metrics.f1])).toEqual([
      ["predictions", 1],
      ["base", 0],
    ]);
  });

  it("tells a judge what was asked: the text, or in its place the question", async () => {
    const asked = new ScriptedModel('{"correct": true}');
    const entries = [
      { prediction: "a", gold: "b", question: "q1", text: "Where does Ana live?" },
      { prediction: "c", gold: "d", question: "Who is Ben?" },
    ];
    const predictions = await readPredictions(await file(JSON.stringify(entries)), { judged: true });
    await scorePredictions(predictions, { seed: 1, log: new EvaluationLog(), concurrency: 1, judge: asked });
    expect(asked.asked.map((messages) => lastText(messages).split("\n")[0])).toEqual([
      "Question: Where does Ana live?",
      "Question: Who is Ben?",
    ]);
  });

  it("has each marked for itself, also where several answer one question", async () => {
    const judge = new ScriptedModel((messages) =>
      JSON.stringify({ correct: /: Oslo\b[\s\S]*: Oslo\b/.test(lastText(messages)) }),
    );
    for (const said of [
      ["Oslo", "Rome", "Bonn"],
      ["Rome", "Bonn", "Oslo"],
    ]) {
      const entries = said.map((prediction) => ({ prediction, gold: "Oslo", question: "Where does she live?" }));
      const predictions = await readPredictions(await file(JSON.stringify(entries)), { judged: true });
      const [row] = await scorePredictions(predictions, { seed: 1, log: new EvaluationLog(), concurrency: 1, judge });
      expect(row!.metrics.judge).toBeCloseTo(1 / 3, 9);
    }
  });

  it("of the verb's own keeps what its lines tell", async () => {
    const line = {
      ...{ type: "answer", row: "base", conversation: "a", question: "q", text: "?", gold: "b", prediction: "" },
      ...{
        selected: [],
        shown: ["D1:1"],
        unparsable: "no answer",
        tooLong: true,
        evidenceRecall: 1,
        evidenceSelected: 0.5,
      },
      usage: { calls: 1, inputTokens: 3, outputTokens: 2 },
    };
    const [row] = await scores(JSON.stringify([line]));
    expect(row).toMatchObject({ answererUnparsable: 1, tooLong: 1, evidenceSelected: 0.5 });
  });

  it("is refused for a judge where an entry does not say what was asked", async () => {
    const path = await file('[{"prediction":"a","gold":"b","text":"Who?"},{"prediction":"a","gold":"b"}]');
    await expect(readPredictions(path, { judged: true })).rejects.toThrow(UsageError);
    await expect(readPredictions(path, { judged: true })).rejects.toThrow(/entry 2: a judge needs to know/);
    expect((await readPredictions(path)).size).toBe(1);
  });

  it("is refused where it is missing, no JSON, empty, or an entry lacks its gold answer", async () => {
    await expect(readPredictions(join(folder, "none.json"))).rejects.toThrow(/none\.json: .*cannot be read/);
    await expect(scores("[{")).rejects.toThrow(FileError);
    await expect(scores("[]")).rejects.toThrow(/found no prediction/);
    await expect(scores('[{"prediction":"a","gold":"b"},{"prediction":"a"}]')).rejects.toThrow(/entry 2: .*gold/);
  });
});
