import type { AnswerLine, StepLine } from "../../src/evaluate/evaluation-log.js";
import type { ValidationResult } from "../../src/recipe/validation.js";
import { recording } from "../../src/report/read/conversation.js";
import type { RecipeRun } from "../../src/report/read/read-recipe.js";
import { scoreRows } from "../../src/report/read/score-rows.js";
import type { QuestionSide, TestQuestion } from "../../src/report/read/test-questions.js";
import type { TrainingStep } from "../../src/report/read/training-steps.js";
import type { ReportContent } from "../../src/report/sections/summary.js";
import { add, answer, hostileTexts, memory, shortTalk, step, update } from "./sample.js";

const quiet = { unparsable: 0, truncated: 0, droppedGroups: 0, groups: 4, alarms: [] };

export const trainingSteps: TrainingStep[] = [
  { ...quiet, step: 1, reward: 0.5, outcome: 0.4, kl: 0, entropy: 0.3, operations: { ADD: 3, NOOP: 1 } },
  {
    ...quiet,
    step: 2,
    reward: 0.7,
    outcome: 0.65,
    kl: 0.02,
    entropy: 0.1,
    operations: { ADD: 2, UPDATE: 1, DELETE: 1 },
    alarms: [{ kind: "entropy-collapse", seen: "little is left", remedy: "look at --kl" }],
  },
  { ...quiet, step: 3, reward: 0.8, outcome: 0.75, kl: 0.03, entropy: 0.1, operations: { ADD: 4 } },
];

const score = (name: string, value: number): object => ({
  name,
  questions: 40,
  dialogues: 4,
  metrics: { "exact-match": value, f1: value, "mem0-f1": value, bleu1: value },
  intervals: { f1: { questions: [value / 2, value] } },
  categories: { "multi-hop": { questions: 10, metrics: { "exact-match": value } } },
  operations: { ADD: 5, UPDATE: 1, DELETE: 0, NOOP: 2 },
  bankSize: 5,
});

/** All parts, small. */
export const fullReport = (): ReportContent => ({
  title: "A small run",
  runs: [{ name: "manager", steps: trainingSteps }],
  scores: scoreRows([score("ADD-only", 0.25), score("trained", 1)], "scores"),
  before: recording("untrained", shortTalk("talk", "Rome")),
  after: recording("trained", shortTalk("talk")),
});

const checkpoint = (step: number, f1: number, trainingSeconds: number): ValidationResult => ({
  step,
  candidate: step > 0,
  questions: 81,
  f1,
  exactMatch: 0,
  trainingSeconds,
});

/** A recipe under one seed, its names and texts as they are given; its last stage is missing. */
function recipeRun(name: string, seed: number, f1: number): RecipeRun {
  const done = { state: "done", seconds: 12, validation: [] } as const;
  const validation = [checkpoint(0, f1 / 2, 0), checkpoint(25, f1, 60), checkpoint(50, f1 - 0.02, 130)];
  return {
    name,
    folder: name,
    seed,
    stages: [
      { ...done, name: "facts" },
      { ...done, name: "answerer", validation },
      { ...done, name: "manager", validation },
      { ...done, name: "final-answerer", validation },
      { name: "evaluate", state: "missing", seconds: null, validation: [] },
    ],
    marks: new Map(),
    trainings: [{ name: "answerer", steps: trainingSteps }],
    scores: scoreRows([score(`${name} none`, 0.1), score("base", 0.25), score("both", f1)], "scores"),
  };
}

/** A question with the untrained agents and with the trained ones; every text is this one, where it is not told otherwise. */
function testQuestion(text: string): TestQuestion {
  const usage = { calls: 1, inputTokens: 10, outputTokens: 5 };
  const place = { conversation: text, unparsable: null, tooLong: false, usage };
  const turn = { id: text, speaker: text, time: text, text, session: 1, facts: [text] };
  const step: StepLine = {
    ...place,
    ...{ type: "step", manager: "base", turn: text, operations: [{ event: "NOOP" }], changes: [add("k", text)] },
  };
  const answer: AnswerLine = {
    ...place,
    ...{ type: "answer", row: "base", question: text, text, gold: text, prediction: text },
    ...{ selected: ["m1"], shown: ["k"], evidenceRecall: 1, evidenceSelected: 1 },
  };
  const later = [{ turn: text, change: update("k", text, text) }];
  const shown = [{ ...memory(text), time: text, alias: "m1", key: "k", ofEvidence: true }];
  const side: QuestionSide = { name: text, trained: false, evidence: [{ step, later }], answer, shown };
  const unread = { ...side, evidence: [{ step: { ...step, unparsable: text }, later: [] }], shown: null };
  return {
    conversation: text,
    question: { id: text, text, gold: text, category: text },
    evidence: [turn],
    sides: [side, { ...unread, trained: true, answer: { ...answer, unparsable: text } }],
  };
}

/** Two seeds of a recipe. */
export const recipeContent = (): ReportContent => ({
  ...fullReport(),
  recipe: {
    runs: [recipeRun("locomo-1", 1, 0.3), recipeRun("locomo-2", 2, 0.36)],
    seed: 0,
    questions: [testQuestion("Where does Ana live?"), testQuestion("Does Ana have a dog?")],
  },
});

/** Every text that comes from outside is one that would take over a page. */
export function hostileReport(): ReportContent {
  const all = hostileTexts.join(" ");
  const bank = ["b", all];
  const told = { ...step(bank, all, all), unparsable: all, callId: "call" };
  const events = [
    told,
    step(bank, "D1:2", "memories", ...hostileTexts.map((text, i) => add(`k${i}`, text))),
    answer(bank, { id: "q", text: all, gold: all }, all, { k0: hostileTexts[0]! }, ["k0"]),
  ];
  const alarms = [{ kind: all, seen: all, remedy: all }];
  return {
    title: all,
    runs: [{ name: all, steps: trainingSteps.map((one) => ({ ...one, alarms })) }],
    scores: scoreRows([{ ...score(all, 0.5), categories: { [all]: { questions: 1, metrics: {} } } }], "scores"),
    before: recording(all, events),
    after: recording(`${all} after`, events),
    recipe: { runs: [recipeRun(all, 1, 0.3), recipeRun(`${all} 2`, 2, 0.4)], seed: 0, questions: [testQuestion(all)] },
  };
}
