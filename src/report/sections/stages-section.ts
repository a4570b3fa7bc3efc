import { type Content, html, type Markup, quoted } from "../markup.js";
import type { RecipeRun, RecipeStage } from "../read/read-recipe.js";
import { table } from "./table.js";

/** How far each run is, in seconds of its stages. */
export function stagesSection(runs: readonly RecipeRun[]): Markup {
  const names = [...new Set(runs.flatMap(({ stages }) => stages.map(({ name }) => name)))];
  return table(
    "Seconds of each stage",
    [
      "",
      ...runs.map(
        ({ name, seed }) => html`${quoted(name, 40)}${seed === null ? null : html`<br><small>seed ${seed}</small>`}`,
      ),
    ],
    [
      ...names.map((name) => [
        quoted(name),
        ...runs.map(({ stages }) => stageCell(stages.find((stage) => stage.name === name))),
      ]),
      [
        "all that are done",
        ...runs.map(({ stages }) => shown(stages.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0))),
      ],
    ],
    "Of the call that ended the stage: one that was stopped and went on took longer. Training: its steps alone, of all calls.",
  );
}

/** Which stages are not there; nothing where all are done. */
export function unfinished(runs: readonly RecipeRun[]): Markup[] {
  return runs.flatMap(({ name, stages }) => {
    const of = (state: RecipeStage["state"]): string =>
      stages.flatMap((stage) => (stage.state === state ? [stage.name] : [])).join(", ");
    const parts = [
      ...(of("begun") === "" ? [] : [`begun: ${of("begun")}`]),
      ...(of("missing") === "" ? [] : [`missing: ${of("missing")}`]),
    ];
    return parts.length === 0
      ? []
      : [html`<p class="unfinished">${quoted(name, 40)} is not finished; ${parts.join("; ")}.</p>`];
  });
}

function stageCell(stage: RecipeStage | undefined): Content {
  if (stage === undefined) return "–";
  const training = stage.validation.at(-1)?.trainingSeconds;
  const note = training === undefined ? null : html`<br><small>training ${shown(training)}</small>`;
  return html`${stage.seconds === null ? stage.state : shown(stage.seconds)}${note}`;
}

const shown = (seconds: number): string =>
  seconds < 100 ? seconds.toFixed(1) : Math.round(seconds).toLocaleString("en");
