import { recording } from "../../src/report/conversation.js";
import { scoreRows } from "../../src/report/score-rows.js";
import type { ReportContent } from "../../src/report/summary.js";
import type { TrainingStep } from "../../src/report/training-steps.js";
import { add, answer, hostileTexts, shortTalk, step } from "./sample.js";

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
  };
}
