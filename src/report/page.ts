import { bankSection, type ReportLimits, reportLimits } from "./bank-section.js";
import { compareSection } from "./compare-section.js";
import { html, Markup, quoted } from "./markup.js";
import { scoresSection } from "./scores-section.js";
import { pageStyle } from "./style.js";
import { type ReportContent, summary } from "./summary.js";
import { trainingSection } from "./training-section.js";

/** The page asks for nothing and runs nothing: its one style is inside it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** A run as one HTML document that needs nothing else. Equal contents give equal documents; parts that are absent are said to be. */
export function renderReport(content: ReportContent, limits: Partial<ReportLimits> = {}): string {
  const { title, runs, scores, before, after } = content;
  const all = { ...reportLimits, ...limits };
  const sections: readonly (readonly [id: string, title: string, body: Markup])[] = [
    ["training", "Training", trainingSection(runs)],
    ["scores", "Scores beside controls", scoresSection(scores)],
    ["bank", "The bank over time", bankSection(after ?? before, all)],
    ["sides", "Before and after training", compareSection(before, after, all)],
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
