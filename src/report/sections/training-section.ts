import { count } from "../../count.js";
import { type Content, html, type Markup, quoted } from "../markup.js";
import type { TrainingRun, TrainingStep } from "../read/training-steps.js";
import { entropyChart, klChart, operationsChart, rewardChart, unreadableChart } from "./training-charts.js";

export function trainingSection(runs: readonly TrainingRun[]): Markup {
  if (runs.length === 0) {
    return html`<p class="missing">No training: pass the folder of a run, the one with its metrics.jsonl.</p>`;
  }
  return html`${runs.map(runFigures)}`;
}

function runFigures({ name, steps }: TrainingRun): Markup {
  if (steps.length === 0) {
    return html`<h3>${quoted(name)}</h3><p class="missing">No step is done yet: the log of this run is empty.</p>`;
  }
  return html`<h3>${quoted(name)} <small>${count(steps.length, "step")}</small></h3>
<div class="charts">
${figure(
  html`Reward: ${swatch("first", "whole,")}${swatch("second dashed", "of the answers alone")}`,
  rewardChart(steps),
)}
${figure("KL from the untrained policy, nats per token", klChart(steps))}
${figure("Entropy, nats per token", entropyChart(steps))}
${figure(
  html`Replies: ${swatch("first", "could not be read,")}${swatch("second dashed", "cut by the length limit")}`,
  unreadableChart(steps),
)}
${figure(
  html`Operations: ${swatch("first", "ADD")} ${swatch("third", "UPDATE")} ${swatch("second", "DELETE")} ${swatch("faint", "NOOP")}`,
  operationsChart(steps),
)}
</div>
${alarmList(steps)}`;
}

function figure(caption: Content, chart: Markup | undefined): Markup {
  if (chart === undefined) return html``;
  return html`<figure><figcaption>${caption}</figcaption>${chart}</figure>
`;
}

function swatch(kind: string, text: string): Markup {
  return html`<span class="key"><i class="swatch ${kind}"></i>${text}</span>`;
}

function alarmList(steps: readonly TrainingStep[]): Markup {
  const alarms = steps.flatMap(({ step, alarms: all }) => all.map((alarm) => ({ step, ...alarm })));
  if (alarms.length === 0) return html`<p class="note">No alarm sounded.</p>`;
  return html`<p>Alarms, dotted lines in the charts:</p><ul>${alarms.map(
    ({ step, kind, seen, remedy }) =>
      html`<li>Step ${step}: <strong>${quoted(kind)}</strong>: ${quoted(seen)}; ${quoted(remedy)}</li>`,
  )}</ul>`;
}
