import { html, Markup, quoted } from "./markup.js";
import { bankSection, type ReportLimits, reportLimits } from "./sections/bank-section.js";
import { compareSection } from "./sections/compare-section.js";
import { questionsSection } from "./sections/questions-section.js";
import { scoresSection } from "./sections/scores-section.js";
import { stagesSection, unfinished } from "./sections/stages-section.js";
import { type RecipeReport, type ReportContent, summary } from "./sections/summary.js";
import { trainingSection } from "./sections/training-section.js";
import { validationSection } from "./sections/validation-section.js";
import { pageStyle } from "./style.js";

/** The page asks for nothing and runs nothing: its one style is inside it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

type Section = readonly [id: string, title: string, body: Markup];

const runSections = ({ runs, scores }: ReportContent): Section[] => [
  ["training", "Training", trainingSection(runs)],
  ["scores", "Scores beside controls", scoresSection([{ name: "scores", rows: scores }])],
];

/** Runs and scores that were named beside a recipe stand after its own. */
function recipeSections({ runs, scores }: ReportContent, recipe: RecipeReport): Section[] {
  const several = recipe.runs.length > 1;
  const own = recipe.runs.flatMap(({ name, trainings }) =>
    trainings.map((training) => (several ? { ...training, name: `${training.name}, ${name}` } : training)),
  );
  const tested = recipe.runs.some((run) => run.scores.length > 0);
  return [
    ["validation", "Validation while training", validationSection(recipe.runs)],
    [
      "scores",
      "Scores beside controls",
      html`${tested ? scoresSection(recipe.runs.map((run) => ({ name: run.name, rows: run.scores }))) : html`<p class="missing">No scores: no row of the stage evaluate is done.</p>`}${
        scores.length > 0 ? html`<h3>Other scores</h3>${scoresSection([{ name: "scores", rows: scores }])}` : null
      }`,
    ],
    ["training", "Training", trainingSection([...own, ...runs])],
    ["questions", "Test questions before and after", questionsSection(recipe.questions, recipe.seed)],
    ["stages", "Stages", stagesSection(recipe.runs)],
  ];
}

/** A run as one HTML document that needs nothing else. Equal contents give equal documents; parts that are absent are said to be. */
export function renderReport(content: ReportContent, limits: Partial<ReportLimits> = {}): string {
  const { title, before, after, recipe } = content;
  const all = { ...reportLimits, ...limits };
  const sections: readonly Section[] = [
    ...(recipe === undefined ? runSections(content) : recipeSections(content, recipe)),
    ["bank", "The bank over time", bankSection(after ?? before, all)],
    [
      "sides",
      recipe === undefined ? "Before and after training" : "Training conversations before and after",
      compareSection(before, after, all),
    ],
  ];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Markup(pageStyle)}</style>
</head>
<body>
<header><h1>${quoted(title)}</h1>
<nav>${sections.map(([id, name]) => html`<a href="#${id}">${name}</a> `)}</nav></header>
<main>
${recipe === undefined ? null : unfinished(recipe.runs)}
${summary(content)}
${sections.map(
  ([id, name, body]) => html`<section id="${id}"><h2>${name}</h2>
${body}
</section>
`,
)}</main>
</body>
</html>
`.text;
}
