import { join } from "node:path";
import { writeAtomic, writeJson } from "../atomic-file.js";
import { evaluate } from "../evaluate/evaluate.js";
import { EvaluationLog } from "../evaluate/evaluation-log.js";
import type { EvaluationScores } from "../evaluate/evaluation-scores.js";
import { formatEvaluation } from "../evaluate/evaluation-table.js";
import { PLAIN_TOKENS } from "../evaluate/plain-prompt.js";
import { ChatOnnx } from "../model/chat/chat-onnx.js";
import type { Settings } from "../train/run/manifest.js";
import { bankRounds, chat, questionsOf, type RecipeContext } from "./context.js";
import { readFacts } from "./facts-stage.js";
import type { RecipeRow } from "./rows.js";
import { adapterFolder, type Measured, type Stage, type StageRun } from "./stage.js";
import { FACTS } from "./stage-names.js";

export const SCORES = "scores.json";
export const TABLE = "table.txt";

/** One file of results for each manager, by the stage that trained it: its banks are kept there, and built once for all answerers. */
export const resultsFile = (manager: string | undefined): string => `results-${manager ?? "untrained"}.jsonl`;

/** Answers all questions of the test conversations, once, with every row's agents; results that are there are not computed again. */
export function evaluationStage(
  context: RecipeContext,
  common: Settings,
  { name, rows }: { readonly name: string; readonly rows: readonly RecipeRow[] },
): Stage {
  const { data, options } = context;
  const { test } = data;
  const used = [...new Set(rows.flatMap(({ manager, answerer }) => [manager, answerer].flatMap((one) => one ?? [])))];
  const banks = new Set(
    rows.flatMap(({ row, manager }) => (row.memory === "bank" && isModel(row.manager) ? [manager] : [])),
  );
  return {
    name,
    what: `test ${rows.length} rows on ${test.length} conversations, ${questionsOf(test)} questions`,
    needs: [FACTS, ...used],
    settings: { ...common, facts: options.facts, rows: rows.map(({ row }) => row.name).join(" ") },
    work: { answer: rows.length * questionsOf(test), decision: banks.size * bankRounds(context, test) },
    async run(run) {
      for (const stage of used) await context.engine.loadAdapter(stage, adapterFolder(run.input(stage)));
      const dialogues = (await readFacts(run.input(FACTS))).test;
      const clock = new RateClock(run);
      const all = new Map<string, EvaluationScores>();
      const known = () => rows.flatMap(({ row }) => all.get(row.name) ?? []);
      // What was trained comes last in the table, and first to be known.
      for (const group of groupsOf(rows).reverse()) {
        for (const scores of await evaluateGroup(context, dialogues, group, run, clock)) all.set(scores.name, scores);
        // A report shows what is known so far.
        await writeJson(join(run.folder, SCORES), known());
      }
      const table = formatEvaluation(known());
      await writeAtomic(join(run.folder, TABLE), (file) => file.writeFile(`${table}\n`));
      run.print(table);
      return { outputs: [SCORES, TABLE], measured: clock.measured };
    },
  };
}

const isModel = (manager: string): boolean => manager === "base" || manager === "trained";

/** Rows with the same adapters, which one evaluation takes together. */
function groupsOf(rows: readonly RecipeRow[]): RecipeRow[][] {
  const groups = new Map<string, RecipeRow[]>();
  for (const row of rows) {
    const key = `${row.manager} ${row.answerer}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

async function evaluateGroup(
  context: RecipeContext,
  dialogues: Parameters<typeof evaluate>[0],
  group: readonly RecipeRow[],
  { folder, signal }: StageRun,
  clock: RateClock,
): Promise<EvaluationScores[]> {
  const { engine, base, prompts, embeddings, retrieval, options } = context;
  const { manager, answerer } = group[0]!;
  const log = new EvaluationLog(join(folder, resultsFile(manager)));
  try {
    log.require("all", { manager: manager ?? "untrained" });
    return await evaluate(dialogues, {
      rows: group.map(({ row }) => row),
      models: {
        managers: { base, trained: chat(context, manager) },
        answerers: { base, trained: chat(context, answerer) },
        plain: new ChatOnnx({ ...base.sampling, engine, tokenizer: base.tokenizer, maxNewTokens: PLAIN_TOKENS }),
        prompts,
      },
      embeddings,
      retrieval,
      facts: options.facts,
      log,
      seed: options.seed,
      concurrency: options.concurrency,
      signal,
      onProgress: clock.update,
    });
  } finally {
    log.close();
  }
}

/** Times what an evaluation does, by its labels: answers of rows, and decisions that build banks. */
class RateClock {
  private readonly parts = new Map<string, { first: number; count: number; from: number; to: number }>();

  constructor(private readonly run: StageRun) {}

  readonly update = (label: string, progress: { readonly done: number; readonly total: number }): void => {
    const at = this.run.seconds();
    const part = this.parts.get(label) ?? { first: progress.done, count: 0, from: at, to: at };
    this.parts.set(label, { ...part, count: progress.done - part.first, to: at });
    this.run.progress(label, progress);
  };

  get measured(): Measured {
    const answers = [...this.parts].filter(([label, { count }]) => !label.startsWith("banks of") && count > 0);
    if (answers.length === 0) return {};
    const total = (of: (part: { count: number; from: number; to: number }) => number) =>
      answers.reduce((sum, [, part]) => sum + of(part), 0);
    return { answer: { count: total(({ count }) => count), seconds: total(({ from, to }) => to - from) } };
  }
}
