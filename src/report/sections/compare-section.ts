import { namedMemories } from "../../trace/named-memories.js";
import { html, type Markup, percent, quoted } from "../markup.js";
import {
  conversationName,
  type GivenAnswer,
  type Pair,
  pairs,
  type Recording,
  rightAnswers,
  type ToldStep,
} from "../read/conversation.js";
import { leftOut, type ReportLimits } from "./bank-section.js";
import { changeLine, verdict } from "./life-item.js";

/** The same conversations with the agents of two recordings, side by side. */
export function compareSection(
  before: Recording | undefined,
  after: Recording | undefined,
  limits: ReportLimits,
): Markup {
  if (before === undefined || after === undefined) {
    return html`<p class="missing">No two recordings: pass --episodes with the one before training and --after with the one after it, both of the same conversations.</p>`;
  }
  const all = pairs(before, after);
  if (all.length === 0) {
    return html`<p class="missing">The recordings ${quoted(before.name)} and ${quoted(after.name)} have no conversation in common.</p>`;
  }
  const shown = all.slice(0, limits.conversations);
  return html`<p>Left <em>${quoted(before.name)}</em>, right <em>${quoted(after.name)}</em>. Where both did the same, the row is pale.</p>
${leftOut(all.length - shown.length, "conversation")}
${shown.map((pair, at) => compared(pair, before.name, after.name, limits.rows, at === 0))}`;
}

function compared(pair: Pair, before: string, after: string, most: number, open: boolean): Markup {
  const turns = turnRows(pair);
  const questions = questionRows(pair);
  const head = (first: string): Markup =>
    html`<thead><tr><th scope="col">${first}</th><th scope="col">${quoted(before, 60)}</th><th scope="col">${quoted(after, 60)}</th></tr></thead>`;
  return html`<details${open ? html` open` : null}><summary>${quoted(conversationName(pair.before), 80)} <small>answers right: ${share(
    pair.before.answers,
  )} before, ${share(pair.after.answers)} after</small></summary>
<div class="scroll"><table class="sides">
<caption>What was remembered</caption>${head("Turn")}
<tbody>${turns.slice(0, most)}</tbody></table></div>
${leftOut(turns.length - most, "turn")}
<div class="scroll"><table class="sides">
<caption>What was answered</caption>${head("Question")}
<tbody>${questions.slice(0, most)}</tbody></table></div>
${leftOut(questions.length - most, "question")}
</details>
`;
}

function share(answers: readonly GivenAnswer[]): string {
  const { right, known } = rightAnswers(answers);
  return known === 0 ? "not known" : `${percent(right / known)} of ${known}`;
}

function turnRows({ before, after }: Pair): Markup[] {
  return sides(before.steps, after.steps, ({ step }) => step.turn.id).map(([left, right]) => {
    const { turn } = (left ?? right)!.step;
    const cells = [left, right].map((told) => (told === undefined ? html`–` : decision(told)));
    return row(html`<small>${quoted(turn.id, 40)} ${quoted(turn.speaker, 60)}</small><br>${quoted(turn.text)}`, cells);
  });
}

function decision({ step: { changes, unparsable } }: ToldStep): Markup {
  const lines = changes.map((change) => html`<div>${changeLine(change)}</div>`);
  if (unparsable !== null) return html`<div class="wrong">could not be read: ${quoted(unparsable, 160)}</div>${lines}`;
  return lines.length === 0 ? html`<span class="note">nothing changed</span>` : html`${lines}`;
}

function questionRows({ before, after }: Pair): Markup[] {
  return sides(before.answers, after.answers, ({ answer }) => answer.question.id).map(([left, right]) => {
    const { question } = (left ?? right)!.answer;
    const cells = [left, right].map((given) => (given === undefined ? html`–` : reply(given)));
    const gold = question.gold === undefined ? null : html`<br><small>gold: ${quoted(question.gold)}</small>`;
    return row(html`${quoted(question.text)}${gold}`, cells);
  });
}

function reply({ answer: { answer, selected, retrieved, unparsable }, right }: GivenAnswer): Markup {
  const used = namedMemories(retrieved, selected);
  return html`${unparsable === null ? null : html`<span class="wrong">could not be read</span> `}${quoted(answer)} ${verdict(right, undefined)}${used.map(
    ({ text }) => html`<br><small>from: ${quoted(text)}</small>`,
  )}`;
}

function row(first: Markup, cells: readonly Markup[]): Markup {
  const same = cells[0]?.text === cells[1]?.text;
  return html`<tr${same ? html` class="same"` : null}><th scope="row">${first}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`;
}

/** Two lists beside each other by their ids, in the order of the first; what only the second has comes last. */
function sides<T>(left: readonly T[], right: readonly T[], id: (one: T) => string): [T | undefined, T | undefined][] {
  const others = new Map(right.map((one) => [id(one), one]));
  const met = new Set(left.map(id));
  return [
    ...left.map((one): [T, T | undefined] => [one, others.get(id(one))]),
    ...right.filter((one) => !met.has(id(one))).map((one): [undefined, T] => [undefined, one]),
  ];
}
