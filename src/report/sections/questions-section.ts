import { count } from "../../count.js";
import type { DialogueTurn } from "../../evaluate/dialogue.js";
import { rewards } from "../../reward/rewards.js";
import { namedMemories } from "../../trace/named-memories.js";
import { type Content, html, type Markup, percent, quoted } from "../markup.js";
import type { EvidenceStep, QuestionSide, TestQuestion } from "../read/test-questions.js";
import { points } from "../spread.js";
import { changeLine } from "./life-item.js";

/** Memories that a cell lists, at most. */
const LISTED = 12;

/** Test questions drawn by a seed: what came of the turns that hold the answer, and of the answer. */
export function questionsSection(questions: readonly TestQuestion[] | undefined, seed: number): Markup {
  if (questions === undefined) {
    return html`<p class="missing">No test question is answered yet: the stage facts or evaluate has not begun.</p>`;
  }
  return html`<p>${count(questions.length, "question")} of the test, drawn from all of them by seed ${seed}, whatever was answered. F1 in points of 100.</p>
${questions.map((one, at) => questionItem(one, at === 0))}`;
}

function questionItem({ conversation, question, evidence, sides }: TestQuestion, open: boolean): Markup {
  const category = question.category === undefined ? null : html`, category ${quoted(question.category, 40)}`;
  return html`<details${open ? html` open` : null}><summary>${quoted(question.text)} <small>F1 ${f1Line(sides, question)}</small></summary>
<p>Gold answer: ${quoted(question.gold)} <small>${quoted(conversation, 40)}, ${quoted(question.id, 40)}${category}</small></p>
<div class="scroll"><table class="sides" style="min-width: ${11 * (sides.length + 1)}rem">
<thead><tr><th scope="col">Turn that holds the answer</th>${sides.map(({ name }) => html`<th scope="col">${quoted(name, 60)}</th>`)}</tr></thead>
<tbody>${
    evidence.length === 0
      ? html`<tr><th scope="row" colspan="${sides.length + 1}" class="note">The data name none, or none that was told.</th></tr>
`
      : evidence.map((turn, at) => row(turnCell(turn), sides, (side) => decision(turn, side.evidence[at]!)))
  }${row("Shown to the answerer", sides, shownCell)}${row("Selected", sides, selectedCell)}${row("Answered", sides, (side) => answerCell(side, f1Of(side, question)))}</tbody></table></div>
</details>
`;
}

/** "12.5 → 50.0", several trained runs with commas. */
function f1Line(sides: readonly QuestionSide[], question: TestQuestion["question"]): string {
  const line = (trained: boolean): string =>
    sides.flatMap((side) => (side.trained === trained ? [f1Of(side, question) ?? "–"] : [])).join(", ");
  return [line(false) || "–", line(true) || "–"].join(" → ");
}

const row = (first: Content, sides: readonly QuestionSide[], cell: (side: QuestionSide) => Content): Markup =>
  html`<tr><th scope="row">${first}</th>${sides.map((side) => html`<td>${cell(side)}</td>`)}</tr>
`;

function f1Of({ answer }: QuestionSide, { gold, category }: TestQuestion["question"]): string | undefined {
  return answer === undefined ? undefined : points(rewards.f1(answer.prediction, gold, category));
}

const turnCell = ({ id, speaker, time, text }: DialogueTurn): Markup =>
  html`<small>${quoted(id, 40)}, ${quoted(time, 40)}, ${quoted(speaker, 60)}</small><br>${quoted(text)}`;

function decision({ facts = [] }: DialogueTurn, { step, later }: EvidenceStep): Markup {
  if (step === undefined) {
    return facts.length === 0
      ? html`<span class="note">no facts in this turn: the manager was not asked</span>`
      : html`<span class="note">not known: the results have no decision</span>`;
  }
  if (step.tooLong) return html`<span class="wrong">not decided: the prompt left no room for a reply</span>`;
  const noop = step.operations.some(({ event }) => event === "NOOP");
  const lines = [
    ...(step.unparsable === null
      ? []
      : [html`<span class="wrong">could not be read: ${quoted(step.unparsable, 160)}</span>`]),
    ...step.changes.map(changeLine),
    ...(noop ? [html`<b class="event">NOOP</b>`] : []),
    ...later.map(({ turn, change }) => html`<small>later, by ${quoted(turn, 40)}:</small> ${changeLine(change)}`),
  ];
  if (lines.length === 0) return html`<span class="note">nothing changed</span>`;
  return html`${lines.map((line) => html`<div>${line}</div>`)}`;
}

function shownCell({ answer, shown }: QuestionSide): Markup {
  if (answer === undefined) return html`–`;
  const share =
    answer.evidenceRecall === null ? null : html`, ${percent(answer.evidenceRecall)} of the turns that hold the answer`;
  const head = html`<div class="note">${count(answer.shown.length, "memory", "memories")}${share}</div>`;
  if (shown === null) return html`${head}<div class="note">which ones is not known</div>`;
  return html`${head}${memoryList(shown.filter(({ ofEvidence }) => ofEvidence))}`;
}

function selectedCell({ answer, shown }: QuestionSide): Markup {
  if (answer === undefined) return html`–`;
  const { selected } = answer;
  if (selected.length === 0) return html`<span class="note">none</span>`;
  if (shown === null) return html`${quoted(selected.join(", "))} <small>whose texts are not known</small>`;
  return memoryList(namedMemories(shown, selected));
}

function memoryList(memories: NonNullable<QuestionSide["shown"]>): Markup {
  const left = memories.length - LISTED;
  return html`${memories
    .slice(0, LISTED)
    .map(
      ({ alias, time, text }) => html`<div><small>${alias}, ${quoted(time, 40)}:</small> ${quoted(text)}</div>`,
    )}${left > 0 ? html`<div class="note">and ${left} more</div>` : null}`;
}

function answerCell({ answer }: QuestionSide, f1: string | undefined): Markup {
  if (answer === undefined) return html`<span class="note">not answered, or not a row of this test</span>`;
  if (answer.tooLong) return html`<span class="wrong">no answer: the prompt left no room for one</span>`;
  const unread =
    answer.unparsable === null
      ? null
      : html`<span class="wrong">could not be read: ${quoted(answer.unparsable, 160)}</span> `;
  return html`${unread}${quoted(answer.prediction)} <b>F1 ${f1}</b>`;
}
