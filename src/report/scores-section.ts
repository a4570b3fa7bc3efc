import { type Content, count, html, type Markup, quoted } from "./markup.js";
import type { ScoreMetrics, ScoreRow } from "./score-rows.js";
import { scoresChart } from "./scores-chart.js";

const metricColumns: readonly (readonly [metric: string, header: string, meaning: string])[] = [
  ["exact-match", "EM", "exact match without regard to case, articles and punctuation"],
  ["f1", "F1", "LoCoMo's F1"],
  ["mem0-f1", "mem0 F1", "mem0's F1"],
  ["bleu1", "BLEU-1", "BLEU-1"],
  ["strict-exact-match", "EM strict", "mem0's exact match"],
  ["judge", "judge", "share that the judge took for right"],
];

export function scoresSection(rows: readonly ScoreRow[]): Markup {
  if (rows.length === 0) {
    return html`<p class="missing">No scores: pass --scores with the file that <code>memory-r1 evaluate --controls --json FILE</code> writes.</p>`;
  }
  const first = rows[0]!;
  const conversations = first.conversations === null ? "" : `${count(first.conversations, "conversation")}, `;
  return html`<p>${conversations}${count(first.questions, "question")}. All figures are points of 100, unless they count things.</p>
<figure><figcaption>Exact match <span class="key"><i class="swatch first round"></i></span> and F1 <span class="key"><i class="swatch second hollow round"></i></span>${
    rows.some(({ intervals }) => "f1" in intervals) ? ", with 95 % bootstrap intervals over questions" : ""
  }</figcaption>${scoresChart(rows)}</figure>
${answersTable(rows)}
${categoriesTable(rows)}
${bankTable(rows)}`;
}

function answersTable(rows: readonly ScoreRow[]): Markup {
  const shown = metricColumns.filter(([metric]) => rows.some(({ metrics }) => metric in metrics));
  return table(
    "Answers",
    [
      "",
      ...shown.map(([, header, meaning]) => html`<abbr title="${meaning}">${header}</abbr>`),
      "recall",
      "unreadable",
    ],
    rows.map((row) => [
      quoted(row.name),
      ...shown.map(([metric]) => metricCell(row, metric)),
      points(row.evidenceRecall),
      points(row.answererUnparsable),
    ]),
    "recall: evidence among the memories that were shown; unreadable: replies that could not be read as an answer.",
  );
}

function categoriesTable(rows: readonly ScoreRow[]): Markup {
  const names = [...new Set(rows.flatMap(({ categories }) => Object.keys(categories)))].sort();
  if (names.length === 0) return html``;
  const questions = (name: string): number =>
    rows.find(({ categories }) => name in categories)?.categories[name]?.questions ?? 0;
  return table(
    "Exact match by category",
    ["", ...names.map((name) => html`${quoted(name)}<br><small>${count(questions(name), "question")}</small>`)],
    rows.map(({ name, categories }) => [
      quoted(name),
      ...names.map((category) => points(categories[category]?.metrics["exact-match"])),
    ]),
  );
}

function bankTable(rows: readonly ScoreRow[]): Markup {
  const managed = rows.flatMap(({ name, bank }) => (bank === null ? [] : [{ name, bank }]));
  if (managed.length === 0) return html``;
  return table(
    "Managing the bank",
    ["", "ADD", "UPDATE", "DELETE", "NOOP", "memories", "unreadable"],
    managed.map(({ name, bank: { operations, bankSize, managerUnparsable } }) => [
      quoted(name),
      operations.ADD,
      operations.UPDATE,
      operations.DELETE,
      operations.NOOP,
      bankSize.toFixed(1),
      points(managerUnparsable),
    ]),
    "memories: in the bank at the end, mean over conversations; unreadable: replies that could not be read as operations.",
  );
}

function table(
  title: string,
  head: readonly Content[],
  rows: readonly (readonly Content[])[],
  legend?: string,
): Markup {
  return html`<div class="scroll"><table>
<caption>${title}</caption>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([name, ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td class="number">${cell}</td>`)}</tr>
`,
  )}</tbody>
</table></div>
${legend === undefined ? null : html`<p class="note">${legend}</p>`}`;
}

const points = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : (100 * value).toFixed(1);

function metricCell({ metrics, intervals }: ScoreMetrics, metric: string): Markup {
  const interval = metric === "f1" ? intervals[metric]?.questions : undefined;
  const range = interval === undefined ? null : html`<br><small>${points(interval[0])}–${points(interval[1])}</small>`;
  return html`${points(metrics[metric])}${range}`;
}
