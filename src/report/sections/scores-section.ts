import { count } from "../../count.js";
import { html, type Markup, quoted } from "../markup.js";
import type { ScoreMetrics } from "../read/score-rows.js";
import { alike, number, points, spread } from "../spread.js";
import { scoresChart } from "./scores-chart.js";
import { knownRuns, pooled, type ScoreSource, type SeedRow, sameInAll, seedRows } from "./seed-rows.js";
import { table } from "./table.js";

const metricColumns: readonly (readonly [metric: string, header: string, meaning: string])[] = [
  ["f1", "F1", "LoCoMo's F1"],
  ["mem0-f1", "mem0 F1", "mem0's F1"],
  ["bleu1", "BLEU-1", "BLEU-1"],
  ["exact-match", "EM", "exact match without regard to case, articles and punctuation"],
  ["strict-exact-match", "EM strict", "mem0's exact match"],
  ["judge", "judge", "share that the judge took for right"],
];

const events = ["ADD", "UPDATE", "DELETE", "NOOP"] as const;

/** Scores of one run, or of several seeds: then means, with the least and the greatest. */
export function scoresSection(all: readonly ScoreSource[]): Markup {
  const sources = all.filter(({ rows }) => rows.length > 0);
  const first = sources[0]?.rows[0];
  if (first === undefined) {
    return html`<p class="missing">No scores: pass --scores with the file that <code>memory-r1 evaluate --controls --json FILE</code> writes.</p>`;
  }
  const rows = seedRows(sources);
  const several = sources.length > 1;
  const conversations = first.conversations === null ? "" : `${count(first.conversations, "conversation")}, `;
  return html`<p>${conversations}${count(first.questions, "question")}${factsOf(sources)}. All figures are points of 100, unless they count things.${
    several
      ? ` Means over ${sources.length} runs, the least and the greatest below; what is equal in all of them, as rows that no training touches may be, stands once.`
      : null
  }</p>
<figure><figcaption>Exact match <span class="key"><i class="swatch first round"></i></span> and F1 <span class="key"><i class="swatch second hollow round"></i></span>${rangeOf(rows, several)}</figcaption>${scoresChart(rows.map(pooled))}</figure>
${answersTable(rows)}
${several ? eachRunTable(sources, rows) : null}
${categoriesTable("f1", "F1 by category", rows)}
${categoriesTable("exact-match", "Exact match by category", rows)}
${bankTable(rows)}`;
}

function factsOf(sources: readonly ScoreSource[]): string {
  const facts = new Set(sources.flatMap(({ rows }) => rows.flatMap((row) => row.facts ?? [])));
  return facts.size === 0 ? "" : `, facts of turns: ${[...facts].join(" and ")}`;
}

function rangeOf(rows: readonly SeedRow[], several: boolean): string {
  const bootstrapped = rows.some((row) => knownRuns(row).some(({ intervals }) => "f1" in intervals));
  const interval = "95 % bootstrap intervals over questions";
  if (several)
    return `, from the least to the greatest of the runs${bootstrapped ? `; rows equal in all with ${interval}` : ""}`;
  return bootstrapped ? `, with ${interval}` : "";
}

function answersTable(rows: readonly SeedRow[]): Markup {
  const shown = metricColumns.filter(([metric]) =>
    rows.some((row) => knownRuns(row).some(({ metrics }) => metric in metrics)),
  );
  return table(
    "Answers",
    [
      "",
      ...shown.map(([, header, meaning]) => html`<abbr title="${meaning}">${header}</abbr>`),
      "recall",
      "selected",
      "shown",
      "unreadable",
    ],
    rows.map((row) => {
      const runs = knownRuns(row);
      const figures = (of: (run: (typeof runs)[number]) => number | null, format = points): Markup =>
        spread(runs.map(of), format);
      const missing = runs.length === row.runs.length ? null : `${runs.length} of ${row.runs.length} runs`;
      return [
        html`${quoted(row.name)}${missing === null ? null : html`<br><small>${missing}</small>`}`,
        ...shown.map(([metric]) => metricCell(runs, metric)),
        figures(({ evidenceRecall }) => evidenceRecall),
        figures(({ evidenceSelected }) => evidenceSelected),
        figures(({ memoriesShown }) => memoriesShown, number),
        figures(({ answererUnparsable }) => answererUnparsable),
      ];
    }),
    "recall: evidence among the memories, or turns, that were shown; selected: among those that the answerer named as used; shown: how many these were; unreadable: replies that could not be read as an answer.",
  );
}

/** A bootstrap interval is of one run: it stands in brackets below F1 where there is one, or where all are alike. */
function metricCell(runs: readonly ScoreMetrics[], metric: string): Markup {
  const values = runs.map(({ metrics }) => metrics[metric]);
  const interval = metric === "f1" ? runs[0]?.intervals[metric]?.questions : undefined;
  if (interval === undefined || !alike(values, points)) return spread(values, points);
  return html`${spread(values, points)}${range(interval)}`;
}

const range = ([low, high]: readonly [number, number]): Markup =>
  html`<br><small>[${points(low)}–${points(high)}]</small>`;

/** F1 of each run by itself, of the rows that differ. */
function eachRunTable(sources: readonly ScoreSource[], rows: readonly SeedRow[]): Markup {
  const differing = rows.filter((row) => !sameInAll(row));
  if (differing.length === 0) return html`<p class="note">All rows are equal in all runs.</p>`;
  return table(
    "F1 of each run",
    ["", ...sources.map(({ name }) => quoted(name, 40))],
    differing.map((row) => [
      quoted(row.name),
      ...row.runs.map((run) => (run === undefined ? html`–` : metricCell([run], "f1"))),
    ]),
    "With 95 % bootstrap intervals over questions. Rows that are equal in all runs are left out.",
  );
}

function categoriesTable(metric: string, title: string, rows: readonly SeedRow[]): Markup {
  const known = rows
    .flatMap(knownRuns)
    .filter(({ categories }) => Object.values(categories).some(({ metrics }) => metric in metrics));
  const names = [...new Set(known.flatMap(({ categories }) => Object.keys(categories)))].sort();
  if (names.length === 0) return html``;
  const questions = (name: string): number =>
    known.find(({ categories }) => name in categories)?.categories[name]?.questions ?? 0;
  return table(
    title,
    ["", ...names.map((name) => html`${quoted(name)}<br><small>${count(questions(name), "question")}</small>`)],
    rows.map((row) => [
      quoted(row.name),
      ...names.map((category) =>
        spread(
          knownRuns(row).map(({ categories }) => categories[category]?.metrics[metric]),
          points,
        ),
      ),
    ]),
  );
}

function bankTable(rows: readonly SeedRow[]): Markup {
  const managed = rows.flatMap((row) => {
    const banks = knownRuns(row).flatMap(({ bank }) => bank ?? []);
    return banks.length === 0 ? [] : [{ name: row.name, banks }];
  });
  if (managed.length === 0) return html``;
  return table(
    "Managing the bank",
    ["", ...events, "memories", "unreadable"],
    managed.map(({ name, banks }) => [
      quoted(name),
      ...events.map((event) =>
        spread(
          banks.map(({ operations }) => operations[event]),
          number,
        ),
      ),
      spread(
        banks.map(({ bankSize }) => bankSize),
        (size) => size.toFixed(1),
      ),
      spread(
        banks.map(({ managerUnparsable }) => managerUnparsable),
        points,
      ),
    ]),
    "memories: in the bank at the end, mean over conversations; unreadable: replies that could not be read as operations.",
  );
}
