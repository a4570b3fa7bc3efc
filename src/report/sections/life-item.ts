import { count } from "../../count.js";
import type { Change } from "../../trace/episode.js";
import { html, type Markup, quoted } from "../markup.js";
import type { GivenAnswer, ToldStep } from "../read/conversation.js";
import type { Life, LifeChange } from "./life.js";

/** One memory's life in words: what each turn did to it and why, and the answers that used it. */
export function lifeItem({ value, born, died, changes, uses, shown }: Life): Markup {
  const updates = changes.filter(({ change }) => change.event === "UPDATE").length;
  const facts = [
    ...(born === null ? ["there before the recording"] : []),
    ...(updates > 0 ? [updates === 1 ? "updated once" : `updated ${updates} times`] : []),
    ...(died === null ? [] : ["deleted"]),
    shown === 0 ? "never shown to an answer" : `used by ${uses.length} of ${count(shown, "answer")} that saw it`,
  ];
  return html`<li><details><summary><span class="${died === null ? "" : "gone"}">${quoted(value.text)}</span> <small>${facts.join(", ")}</small></summary>
<ul>${changes.map(changeItem)}${uses.map(({ given }) => html`<li class="use">${answerLine(given)}</li>`)}</ul></details></li>
`;
}

function changeItem({ change, told }: LifeChange): Markup {
  return html`<li>${changeLine(change)}<br><small>${reason(told)}</small></li>`;
}

/** "UPDATE old → new" */
export function changeLine({ event, before, after }: Change): Markup {
  const word = html`<b class="event ${event.toLowerCase()}">${event}</b>`;
  if (before !== null && before.text === after?.text)
    return html`${word} ${quoted(after.text)} <small>(in the same words)</small>`;
  const old = before === null ? null : html`<del>${quoted(before.text)}</del>`;
  const arrow = before !== null && after !== null ? " → " : null;
  return html`${word} ${old}${arrow}${after === null ? null : quoted(after.text)}`;
}

/** The turn, the facts found in it, and what the policy was that decided. */
function reason(told: ToldStep | null): Markup {
  if (told === null) return html`Taken back by an undo.`;
  const { step, call } = told;
  const { turn, facts } = step;
  const heard = html`${quoted(turn.id, 40)}, ${quoted(turn.time, 40)}, ${quoted(turn.speaker, 60)}: “${quoted(turn.text)}”`;
  const found =
    facts.length === 0 ? null : html` Facts: ${facts.map((fact, at) => html`${at > 0 ? "; " : null}${quoted(fact)}`)}.`;
  if (call === undefined) return html`${heard}${found}`;
  const { policyVersion, logprobs } = call;
  const probability =
    logprobs === undefined || logprobs.length === 0 ? null : Math.exp(logprobs.reduce((sum, one) => sum + one, 0));
  const by = html` Decided by ${quoted(policyVersion ?? call.model ?? "the model", 80)}${
    probability === null ? null : `, probability ${probability.toFixed(2)}`
  }.`;
  return html`${heard}${found}${by}<br>Its reply: <code>${quoted(call.text)}</code>`;
}

/** "Where does Ana live? → Oslo ✓" */
function answerLine({ answer: { question, answer }, right }: GivenAnswer): Markup {
  return html`Used for “${quoted(question.text)}” → ${quoted(answer)} ${verdict(right, question.gold)}`;
}

/** Whether an answer is right, by sign and word and not by colour alone. */
export function verdict(right: boolean | null, gold: string | undefined): Markup | null {
  if (right === null) return null;
  if (right) return html`<span class="right" title="right">✓</span>`;
  return html`<span class="wrong" title="wrong">✗</span>${gold === undefined ? null : html` <small>wanted ${quoted(gold)}</small>`}`;
}
