import { count } from "../count.js";
import type { Interval } from "./bootstrap.js";
import { alignRows, type Cells, markdownRows } from "./cells.js";
import type { AnswerScores, EvaluationMetric, EvaluationScores, RowCost } from "./evaluation-scores.js";

const metricHeaders: readonly (readonly [EvaluationMetric, string])[] = [
  ["f1", "F1"],
  ["mem0-f1", "mem0"],
  ["bleu1", "BLEU1"],
  ["exact-match", "EM"],
  ["strict-exact-match", "EM="],
  ["judge", "judge"],
];

const LEGEND = `All in points of 100.
F1 by LoCoMo's code [95 % bootstrap interval over questions; {over conversations, where there are several}];
mem0 its F1; BLEU1; EM exact match without regard to case, articles and punctuation; EM= mem0's, which only strips and lowers;
rec, sel: share of the evidence among what was shown, and among what the answerer named as used; shown: memories or turns, mean;
facts: where they came from; ADD … NOOP: operations; bank: memories at the end, mean;
bad-M, bad-A: share of replies of manager and answerer that could not be read; long: answers for which no room was left;
calls and thousands of tokens (in + out) of manager and answerer.`;

const events = ["ADD", "UPDATE", "DELETE", "NOOP"] as const;

const points = (value: number | null | undefined): string =>
  value === null || value === undefined ? "-" : (100 * value).toFixed(1);

const range = (interval: Interval | null | undefined): string =>
  interval === null || interval === undefined ? "-" : `${points(interval[0])}–${points(interval[1])}`;

function interval({ intervals }: AnswerScores, name: EvaluationMetric): string {
  const one = intervals[name];
  if (one === undefined) return "";
  return ` [${range(one.questions)}${one.conversations === null ? "" : `; {${range(one.conversations)}}`}]`;
}

function answerRows(all: readonly EvaluationScores[]): Cells[] {
  const shown = metricHeaders.filter(([metric]) => all.some(({ metrics }) => metric in metrics));
  return [
    ["", ...shown.map(([, header]) => header), "rec", "sel", "shown"],
    ...all.map((scores) => [
      scores.name,
      ...shown.map(([metric]) =>
        metric === "f1" ? `${points(scores.metrics.f1)}${interval(scores, "f1")}` : points(scores.metrics[metric]),
      ),
      points(scores.evidenceRecall),
      points(scores.evidenceSelected),
      scores.memoriesShown === null ? "-" : scores.memoriesShown.toFixed(1),
    ]),
  ];
}

function costCells(cost: RowCost | null): [calls: string, tokens: string] {
  if (cost === null) return ["-", "-"];
  const { manager, answerer } = cost;
  const thousands = (of: "inputTokens" | "outputTokens") => ((manager[of] + answerer[of]) / 1000).toFixed(1);
  return [String(manager.calls + answerer.calls), `${thousands("inputTokens")}+${thousands("outputTokens")}`];
}

/** Columns in which some row has a value. */
function told(rows: readonly Cells[]): Cells[] {
  const [header = [], ...others] = rows;
  const kept = header.map((_, at) => at === 0 || others.some((cells) => cells[at] !== "-"));
  return rows.map((cells) => cells.filter((_, at) => kept[at]));
}

function bankRows(all: readonly EvaluationScores[]): Cells[] {
  return told([
    ["how", "facts", "ADD", "UPD", "DEL", "NOOP", "bank", "bad-M", "bad-A", "long", "calls", "ktok"],
    ...all.map(({ name, facts, bank, answererUnparsable, tooLong, cost }) => {
      return [
        name,
        facts ?? "-",
        ...events.map((event) => (bank === null ? "-" : String(bank.operations[event]))),
        bank === null ? "-" : bank.bankSize.toFixed(1),
        points(bank?.managerUnparsable),
        points(answererUnparsable),
        points(tooLong),
        ...costCells(cost),
      ];
    }),
  ]);
}

/** One metric by category, with the number of questions under each name. */
function categoryRows(all: readonly EvaluationScores[], metric: EvaluationMetric, title: string): Cells[] {
  const names = [...new Set(all.flatMap(({ categories }) => Object.keys(categories)))].sort();
  return [
    [title, ...names],
    [
      "questions",
      ...names.map((name) => String(all.find(({ categories }) => name in categories)!.categories[name]!.questions)),
    ],
    ...all.map(({ name, categories }) => [
      name,
      ...names.map((category) => {
        const scores = categories[category];
        const intervals = scores?.intervals[metric];
        if (scores === undefined) return "-";
        return `${points(scores.metrics[metric])}${intervals === undefined ? "" : ` [${range(intervals.questions)}]`}`;
      }),
    ]),
  ];
}

/** An evaluation's rows beside each other: answers, managing and cost, F1 and exact match by category. */
export function formatEvaluation(all: readonly EvaluationScores[], { markdown = false } = {}): string {
  const format = markdown ? markdownRows : alignRows;
  const [first] = all;
  const size =
    first === undefined ? "" : `${count(first.conversations, "conversation")}, ${count(first.questions, "question")}`;
  const tables = [
    answerRows(all),
    ...(all.some(({ bank, cost }) => bank !== null || (cost?.answerer.calls ?? 0) > 0) ? [bankRows(all)] : []),
    categoryRows(all, "f1", "F1 by category"),
    categoryRows(all, "exact-match", "EM by category"),
  ];
  return [size, ...tables.map(format), LEGEND].join("\n\n");
}
