import { expect, it } from "vitest";
import { formatEvaluation } from "../../src/evaluate/evaluation-table.js";
import { playDialogues } from "../../src/evaluate/play.js";
import { scorePlayed } from "../../src/evaluate/score-played.js";
import { addOnly, noop } from "../../src/memory/controls.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { ScriptedModel } from "../memory/scripted-model.js";
import { addingManager, knowingAnswerer, newStore, smallWorld } from "./played-world.js";

const dialogues = smallWorld();
const prompts = compactPrompts;
const play = (agents: Partial<Parameters<typeof playDialogues>[1]>) =>
  playDialogues(
    dialogues,
    { manager: addOnly, answerer: knowingAnswerer(dialogues), prompts, ...agents },
    { store: newStore() },
  );

it("scores right answers with one, categories and all", async () => {
  const scores = scorePlayed("knowing", await play({}));
  const questions = dialogues.flatMap((dialogue) => dialogue.questions);
  expect(scores).toMatchObject({ conversations: 2, questions: questions.length, evidenceRecall: 1 });
  expect(scores.metrics["exact-match"]).toBe(1);
  expect(scores.metrics.f1).toBe(1);
  const counts = Object.values(scores.categories).map((category) => category.questions);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(questions.length);
  expect(Object.keys(scores.categories)).toEqual([...new Set(questions.map(({ category }) => category))].sort());
});

it("tells a control, which has no replies to be unparsable, from a model that writes none that can be read", async () => {
  const control = scorePlayed("NOOP", await play({ manager: noop }));
  expect(control.bank).toMatchObject({ managerUnparsable: null, bankSize: 0 });
  const babble = new ScriptedModel("I don't know");
  const model = scorePlayed("babble", await play({ manager: babble, answerer: babble }));
  expect(model).toMatchObject({ bank: { managerUnparsable: 1, bankSize: 0 }, answererUnparsable: 1 });
  expect(model.metrics["exact-match"]).toBe(0);
});

it("counts the operations that a manager chose", async () => {
  const facts = dialogues.flatMap(({ turns }) => turns.flatMap((turn) => turn.facts));
  const { operations, bankSize } = scorePlayed("adding", await play({ manager: addingManager() })).bank!;
  expect(operations).toEqual({ ADD: facts.length, UPDATE: 0, DELETE: 0, NOOP: 0 });
  expect(bankSize).toBe(facts.length / 2);
});

it("prints configurations beside each other, with aligned columns", async () => {
  const long = "a trained manager and a trained answerer of some kind";
  const all = [scorePlayed("ADD-only", await play({})), scorePlayed(long, await play({ manager: addingManager() }))];
  const text = formatEvaluation(all);
  const lines = text.split("\n");
  const header = lines.findIndex((line) => line.includes("F1"));
  const [head, first, second] = lines.slice(header, header + 3);
  expect(first).toMatch(/^ADD-only +100\.0 \[100\.0–100\.0; \{100\.0–100\.0\}\] +100\.0/);
  expect([first!.length, second!.length]).toEqual([head!.length, head!.length]);
});
