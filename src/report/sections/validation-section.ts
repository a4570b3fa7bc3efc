import { count } from "../../count.js";
import { trainingStages } from "../../recipe/stage-names.js";
import { html, type Markup, quoted } from "../markup.js";
import type { RecipeRun } from "../read/read-recipe.js";
import { type CurvePoint, meanCurve, validationCurve } from "../read/validation-curves.js";
import { points, spread } from "../spread.js";
import { table } from "./table.js";
import { validationChart } from "./validation-chart.js";

/** What training brought, by questions of conversations that are not trained on. */
export function validationSection(runs: readonly RecipeRun[]): Markup {
  const curves = runs.map(validationCurve).filter((curve) => curve.length > 0);
  const questions = curves[0]?.[0]?.questions;
  if (questions === undefined) {
    return html`<p class="missing">Nothing is validated yet: no stage that trains has begun.</p>`;
  }
  const several =
    curves.length > 1 ? ` Thin: each of ${curves.length} runs. Thick: their mean, where all have a checkpoint.` : null;
  return html`<p>F1 on ${count(questions, "question")} of the validation conversations, in points of 100, with the agents as they were then. Training alone counts as time, not validation or other stages.${several}</p>
<figure><figcaption>
<span class="key"><i class="swatch first"></i>answerer</span>
<span class="key"><i class="swatch second"></i>manager</span>
<span class="key"><i class="swatch third"></i>final-answerer</span>
<span class="key"><svg viewBox="-6 -6 12 12" class="mark muted"><path d="M0-5 5 0 0 5-5 0Z"/></svg>the checkpoint that was chosen</span>
<span class="key"><svg viewBox="-6 -6 12 12" class="mark hollow"><circle r="3.5"/></svg>before training</span></figcaption>${validationChart(curves, meanCurve(curves))}</figure>
${chosenTable(curves)}`;
}

function chosenTable(curves: readonly (readonly CurvePoint[])[]): Markup {
  const stages = trainingStages.filter((name) => curves.some((curve) => curve.some(({ stage }) => stage === name)));
  return table(
    "What each stage chose",
    ["", "before", "chosen", "at step", "of", "minutes"],
    stages.map((name) => {
      const own = curves.map((curve) => curve.filter(({ stage }) => stage === name));
      const figure = (find: (points: readonly CurvePoint[]) => number | undefined, format: (value: number) => string) =>
        spread(own.map(find), format);
      return [
        quoted(name),
        figure(([start]) => start?.f1, points),
        figure((all) => all.find(({ chosen }) => chosen)?.f1, points),
        figure((all) => all.find(({ chosen }) => chosen)?.step, steps),
        figure((all) => all.at(-1)?.step, steps),
        figure((all) => (all.length === 0 ? undefined : all.at(-1)!.minutes - all[0]!.minutes), minutes),
      ];
    }),
    "before: F1 of what the stage began with; chosen: of the checkpoint that became its adapter, at which of its steps; minutes: of its training.",
  );
}

const steps = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));
const minutes = (value: number): string => value.toFixed(1);
