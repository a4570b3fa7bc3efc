import { count } from "../../count.js";
import { mean } from "../../mean.js";
import { html, type Markup, percent, quoted } from "../markup.js";
import { type Recording, rightAnswers } from "../read/conversation.js";
import type { RecipeRun } from "../read/read-recipe.js";
import type { ScoreRow } from "../read/score-rows.js";
import type { TestQuestion } from "../read/test-questions.js";
import type { TrainingRun, TrainingStep } from "../read/training-steps.js";
import { points } from "../spread.js";

/** Steps at each end of a run whose mean stands for that end: one step alone is mostly chance. */
const END_STEPS = 3;

/** A recipe, by one seed or several. */
export interface RecipeReport {
  readonly runs: readonly RecipeRun[];
  /** Drew the questions. */
  readonly seed: number;
  /** Undefined where none is answered yet. */
  readonly questions: readonly TestQuestion[] | undefined;
}

export interface ReportContent {
  readonly title: string;
  readonly runs: readonly TrainingRun[];
  readonly scores: readonly ScoreRow[];
  readonly before?: Recording | undefined;
  readonly after?: Recording | undefined;
  readonly recipe?: RecipeReport | undefined;
}

/** What a reader wants to know first. */
export function summary({ runs, before, after, recipe }: ReportContent): Markup {
  const facts = [
    ...testFact(recipe?.runs ?? []),
    ...runs.flatMap(({ name, steps }) => rewardFact(name, steps)),
    ...[before, after].flatMap((recorded) => recordingFact(recorded)),
  ];
  if (facts.length === 0) return html``;
  return html`<dl class="facts">${facts}</dl>`;
}

const fact = (term: Markup, value: string, note: string): Markup =>
  html`<div><dt>${term}</dt><dd>${value}<br><small>${note}</small></dd></div>
`;

function rewardFact(name: string, steps: readonly TrainingStep[]): Markup[] {
  const known = steps.filter(({ reward }) => Number.isFinite(reward));
  if (known.length === 0) return [];
  const [start, end] = [known.slice(0, END_STEPS), known.slice(-END_STEPS)].map(meanReward);
  const note = `reward, mean of the first and last ${Math.min(END_STEPS, known.length)} of ${known.length} steps`;
  return [fact(quoted(name), `${start!.toFixed(2)} → ${end!.toFixed(2)}`, note)];
}

/** F1 of the test before and after training, means over the runs that have both. */
function testFact(runs: readonly RecipeRun[]): Markup[] {
  const known = runs.flatMap(({ scores }) => {
    const [before, after] = ["base", "both"].map((name) => scores.find((row) => row.name === name));
    const [from, to] = [before?.metrics.f1, after?.metrics.f1];
    return from === undefined || to === undefined ? [] : [{ from, to, questions: before!.questions }];
  });
  if (known.length === 0) return [];
  const [from, to] = [mean(known.map((one) => one.from)), mean(known.map((one) => one.to))];
  const ratio = from > 0 ? `, ${(to / from).toFixed(2)} times` : "";
  const over = known.length === 1 ? "" : `, means over ${known.length} runs`;
  const note = `F1 of ${count(known[0]!.questions, "question")}, untrained and both trained${over}${ratio}`;
  return [fact(html`Test`, `${points(from)} → ${points(to)}`, note)];
}

const meanReward = (steps: readonly TrainingStep[]): number =>
  steps.reduce((sum, { reward }) => sum + reward, 0) / steps.length;

function recordingFact(recorded: Recording | undefined): Markup[] {
  if (recorded === undefined) return [];
  const { right, known } = rightAnswers(recorded.conversations.flatMap(({ answers }) => answers));
  return known === 0 ? [] : [fact(quoted(recorded.name), percent(right / known), `of ${known} recorded answers right`)];
}
