import { alignRows, type Cells } from "./cells.js";
import type { Scores } from "./scores.js";

const columns: readonly (readonly [header: string, cell: (scores: Scores) => string])[] = [
  ["EM", ({ metrics }) => decimal(metrics["exact-match"])],
  ["F1", ({ metrics }) => decimal(metrics.f1)],
  ["mem0", ({ metrics }) => decimal(metrics["mem0-f1"])],
  ["BLEU1", ({ metrics }) => decimal(metrics.bleu1)],
  ["rec", ({ evidenceRecall }) => decimal(evidenceRecall)],
  ["ADD", ({ operations }) => String(operations.ADD)],
  ["UPD", ({ operations }) => String(operations.UPDATE)],
  ["DEL", ({ operations }) => String(operations.DELETE)],
  ["NOOP", ({ operations }) => String(operations.NOOP)],
  ["bank", ({ bankSize }) => bankSize.toFixed(1)],
  ["bad-M", ({ managerUnparsable }) => decimal(managerUnparsable)],
  ["bad-A", ({ answererUnparsable }) => decimal(answererUnparsable)],
];

const LEGEND =
  "EM exact match, F1 of LoCoMo, mem0 its F1, rec: evidence among retrieved memories; operations;\n" +
  "bank: mean of memories at the end; bad-M, bad-A: unparsable share of replies by manager and answerer";

function decimal(value: number | null): string {
  return value === null ? "-" : value.toFixed(3);
}

function overviewRows(all: readonly Scores[]): Cells[] {
  return [
    ["", ...columns.map(([header]) => header)],
    ...all.map((one) => [one.name, ...columns.map(([, cell]) => cell(one))]),
  ];
}

/** Exact match by category, with the number of questions under each name. */
function categoryRows(all: readonly Scores[]): Cells[] {
  const names = [...new Set(all.flatMap(({ categories }) => Object.keys(categories)))].sort();
  const counts = names.map((name) =>
    String(all.find(({ categories }) => name in categories)?.categories[name]?.questions),
  );
  return [
    ["EM by category", ...names],
    ["questions", ...counts],
    ...all.map(({ name, categories }) => [
      name,
      ...names.map((category) => decimal(categories[category]?.metrics["exact-match"] ?? null)),
    ]),
  ];
}

/** Configurations beside each other as plain text: an overview, then exact match by category. */
export function formatTable(all: readonly Scores[]): string {
  const [first] = all;
  const size =
    first === undefined ? "" : `${first.dialogues} dialogues, ${first.turns} turns, ${first.questions} questions\n`;
  return [`${size}${alignRows(overviewRows(all))}`, alignRows(categoryRows(all)), LEGEND].join("\n\n");
}
