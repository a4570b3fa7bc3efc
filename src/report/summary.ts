import { type Recording, rightAnswers } from "./conversation.js";
import { html, type Markup, percent, quoted } from "./markup.js";
import type { ScoreRow } from "./score-rows.js";
import type { TrainingRun, TrainingStep } from "./training-steps.js";

/** Steps at each end of a run whose mean stands for that end: one step alone is mostly chance. */
const END_STEPS = 3;

export interface ReportContent {
  readonly title: string;
  readonly runs: readonly TrainingRun[];
  readonly scores: readonly ScoreRow[];
  readonly before?: Recording | undefined;
  readonly after?: Recording | undefined;
}

/** What a reader wants to know first. */
export function summary({ runs, before, after }: ReportContent): Markup {
  const facts = [
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

const meanReward = (steps: readonly TrainingStep[]): number =>
  steps.reduce((sum, { reward }) => sum + reward, 0) / steps.length;

function recordingFact(recorded: Recording | undefined): Markup[] {
  if (recorded === undefined) return [];
  const { right, known } = rightAnswers(recorded.conversations.flatMap(({ answers }) => answers));
  return known === 0 ? [] : [fact(quoted(recorded.name), percent(right / known), `of ${known} recorded answers right`)];
}
