import type { Command } from "commander";
import { writeJson } from "../atomic-file.js";
import { UsageError } from "../errors.js";
import { EvaluationLog } from "../evaluate/evaluation-log.js";
import type { EvaluationScores } from "../evaluate/evaluation-scores.js";
import { formatEvaluation } from "../evaluate/evaluation-table.js";
import { predictionForm, readPredictions } from "../evaluate/predictions.js";
import { chooseRows, type Row, rowHelp, usesTrainedAnswerer, usesTrainedManager } from "../evaluate/rows.js";
import { scorePredictions } from "../evaluate/score-predictions.js";
import { hashFile } from "../hash.js";
import { compactPrompts } from "../memory/prompts/compact-prompts.js";
import { playRows, progressByLabel } from "./evaluate-rows.js";
import { working } from "./exit.js";
import { checkUnseen } from "./hygiene.js";
import { untilInterrupted } from "./interrupt.js";
import { createJsonFolder } from "./json-folder.js";
import { loadDialogues } from "./options/dialogues.js";
import { requireSettings } from "./options/evaluation-settings.js";
import { type OpenedJudge, openJudge } from "./options/judge.js";
import { openModels } from "./options/models.js";
import {
  addDataOptions,
  addModelOptions,
  addRetrievalOptions,
  type DataOptions,
  dialogueForm,
  type ModelOptions,
  type RetrievalOptions,
  verbCommand,
} from "./options/options.js";
import { chooseRetrieval, describeRetrieval } from "./options/retrieval.js";

interface EvaluateVerbOptions extends ModelOptions, DataOptions, RetrievalOptions {
  readonly rows?: readonly string[];
  readonly controls?: boolean;
  readonly predictions?: string;
  readonly judge?: string;
  readonly out?: string;
  readonly json?: string;
  readonly markdown?: boolean;
  readonly allowTrained?: boolean;
}

export function evaluateVerb(): Command {
  const command = verbCommand(
    "evaluate",
    "Answer the questions of held-out dialogues from memory, and print the scores of agents and controls beside each other.",
    "memory-r1 evaluate --controls --adapter-manager runs/manager/adapter --adapter-answerer runs/answerer/adapter\n" +
      "memory-r1 evaluate --model .models/Qwen2.5-Coder-0.5B-Instruct --device cuda --data locomo10.json --split test \\\n" +
      "  --facts observation --controls --out runs/locomo.jsonl --json runs/locomo.json\n" +
      "memory-r1 evaluate --model .models/SmolLM2-135M-Instruct --data locomo10.json --split validation --rows none bm25 evidence\n" +
      "memory-r1 evaluate --predictions answers.json",
  );
  addDataOptions(addRetrievalOptions(addModelOptions(command)), { split: "test", dialogues: 16 });
  return command
    .option("--rows <names...>", "rows of the table, see below (default: base, and those that the adapters allow)")
    .option("--controls", "also: none, bm25, evidence, ADD-only, NOOP (asked as the agent is with compact prompts)")
    .option("--predictions <file>", "score this file of predictions, and play nothing")
    .option("--judge <path>", "let a chat model mark answers: a Hugging Face folder, or a module that exports `judge`")
    .option("--out <file>", "keep each result in this file; a second call with it goes on where the first one stopped")
    .option("--json <file>", "write the scores as JSON")
    .option("--markdown", "print the tables in Markdown")
    .option("--allow-trained", "also on conversations that an adapter learned from")
    .addHelpText("after", rowHelp)
    .addHelpText("after", predictionForm)
    .addHelpText("after", dialogueForm)
    .action(evaluateAgents);
}

async function evaluateAgents(options: EvaluateVerbOptions): Promise<void> {
  const { json } = options;
  if (json !== undefined) await createJsonFolder(json, "scores");
  const all = options.predictions === undefined ? await play(options) : await scoreFile(options.predictions, options);
  process.stdout.write(`${formatEvaluation(all, { markdown: options.markdown ?? false })}\n`);
  if (json !== undefined) await writeJson(json, all);
}

/** Scores answers that are there already. */
async function scoreFile(file: string, options: EvaluateVerbOptions): Promise<EvaluationScores[]> {
  const predictions = await readPredictions(file, { judged: options.judge !== undefined });
  const judge = options.judge === undefined ? undefined : await openJudge(options.judge, options);
  const shown = progressByLabel();
  const log = new EvaluationLog(options.out);
  try {
    if (options.out !== undefined) log.require("all", { predictions: (await hashFile(file)).sha256 });
    requireJudge(log, judge);
    return await working(() =>
      untilInterrupted((signal) =>
        scorePredictions(predictions, {
          seed: options.seed,
          log,
          concurrency: options.concurrency,
          signal,
          onProgress: shown.update,
          ...(judge === undefined ? {} : { judge: judge.model }),
        }),
      ),
    );
  } finally {
    shown.end();
    log.close();
    await judge?.close();
  }
}

async function play(given: EvaluateVerbOptions): Promise<EvaluationScores[]> {
  const { dialogues, facts } = await loadDialogues(given, "test");
  const options = { ...given, facts };
  if (!options.allowTrained) {
    const adapters = [options.adapterManager, options.adapterAnswerer].filter((adapter) => adapter !== undefined);
    await checkUnseen(dialogues, adapters);
  }
  const named = options.rows === undefined ? undefined : wantedRows(options, false);
  const models = await openModels(options);
  try {
    const agents = { ...models, ...(await chooseRetrieval(options)) };
    process.stderr.write(`answers from ${describeRetrieval(agents)}\n`);
    const rows = named ?? wantedRows(options, models.prompts === compactPrompts);
    const judge = options.judge === undefined ? undefined : await openJudge(options.judge, options);
    try {
      const log = new EvaluationLog(options.out);
      try {
        if (options.out !== undefined) await requireSettings(log, dialogues, rows, agents, options);
        requireJudge(log, judge);
        return await working(() =>
          untilInterrupted((signal) => playRows(dialogues, rows, agents, options, { log, judge, signal })),
        );
      } finally {
        log.close();
      }
    } finally {
      await judge?.close();
    }
  } finally {
    await models.close();
  }
}

/** @throws UsageError where a row is not known, or needs an adapter that is not given. */
function wantedRows(options: EvaluateVerbOptions, compact: boolean): Row[] {
  const { adapterManager, adapterAnswerer, rows, controls = false } = options;
  const manager = adapterManager !== undefined;
  const answerer = adapterAnswerer !== undefined;
  const turns = ["none", "bm25", "evidence"].map((context) => (compact ? `${context}-agent` : context));
  const chosen = chooseRows([
    ...(rows ?? ["base"]),
    ...(controls ? [...turns, "ADD-only", "NOOP"] : []),
    ...(rows !== undefined ? [] : [manager ? "manager" : [], answerer ? "answerer" : []].flat()),
    ...(rows === undefined && manager && answerer ? ["both"] : []),
  ]);
  for (const row of chosen) {
    const missing = [
      ...(usesTrainedManager(row) && !manager ? ["--adapter-manager"] : []),
      ...(usesTrainedAnswerer(row) && !answerer ? ["--adapter-answerer"] : []),
    ];
    if (missing.length === 0) continue;
    throw new UsageError({
      what: `row ${row.name} is of a trained agent`,
      where: "--rows",
      expected: missing.join(" and "),
      found: "no adapter",
      remedy: "pass the adapter, or leave this row out",
    });
  }
  return chosen;
}

/** Comes last: a call that is refused for its other settings leaves no judge in the file. */
function requireJudge(log: EvaluationLog, judge: OpenedJudge | undefined): void {
  if (judge !== undefined) log.require("judge", { weights: judge.weights });
}
