import { type Command, Option } from "commander";
import { writeJson } from "../atomic-file.js";
import { type RewardName, rewardNames } from "../reward/rewards.js";
import { readEpisodes } from "../trace/read.js";
import { recordedRetrievals } from "../train/tasks/adapter-retrieval.js";
import { type CreditReport, creditOperations, type OperationCredit } from "../train/tasks/credit.js";
import { type RecordedDialogue, recordedDialogues } from "../train/tasks/links.js";
import { working } from "./exit.js";
import { untilInterrupted } from "./interrupt.js";
import { createJsonFolder } from "./json-folder.js";
import { openModels } from "./options/models.js";
import {
  addModelOptions,
  addRetrievalOptions,
  type ModelOptions,
  positive,
  type RetrievalOptions,
  verbCommand,
} from "./options/options.js";
import { chooseRetrieval } from "./options/retrieval.js";
import { startProgress } from "./progress.js";

interface CreditVerbOptions extends ModelOptions, RetrievalOptions {
  readonly reward: RewardName;
  readonly questions: "linked" | "all";
  readonly limit?: number;
  readonly top: number;
  readonly json?: string;
}

export function creditVerb(): Command {
  const command = verbCommand(
    "credit",
    "Find out what each recorded memory operation was worth: how much better questions are answered with it than without it.",
    "memory-r1 credit runs/episodes.jsonl\n" +
      "memory-r1 credit runs/episodes.jsonl --adapter-answerer runs/answerer/adapter --reward f1 --limit 200 --json runs/credit.json",
  );
  return addRetrievalOptions(addModelOptions(command))
    .argument("<episodes...>", "episode files that `record` wrote")
    .addOption(new Option("--reward <name>", "of an answer").choices([...rewardNames]).default("f1"))
    .addOption(
      new Option(
        "--questions <which>",
        "linked: those that rest on a turn which touched the memory; or all asked later",
      )
        .choices(["linked", "all"])
        .default("linked"),
    )
    .option("--limit <n>", "operations at most, drawn by the seed", positive)
    .option("--top <n>", "most helpful and most harmful operations to print", positive, 10)
    .option("--json <file>", "write all credits as JSON")
    .addHelpText(
      "after",
      `
One operation is left out; the recorded ones that follow are replayed as far as they still apply: an UPDATE or DELETE of a memory that was
never added is lost. A frozen answerer answers the questions from both banks. Credit is the mean change of the score, gain its sum.`,
    )
    .action(credit);
}

async function credit(files: readonly string[], options: CreditVerbOptions): Promise<void> {
  const { reward, questions, limit, top, json, seed } = options;
  if (json !== undefined) await createJsonFolder(json, "credits");
  const dialogues: RecordedDialogue[] = [];
  for (const file of files) dialogues.push(...recordedDialogues(await readEpisodes(file)));
  const [recorded] = recordedRetrievals(dialogues);
  const retrieval = await chooseRetrieval(options, recorded);
  const models = await openModels(options);
  const progress = startProgress("credit");
  try {
    const { engine, base, answerer, prompts, embeddings } = models;
    const { maxNewTokens } = base.sampling;
    const report = await working(() =>
      untilInterrupted((signal) =>
        creditOperations(dialogues, {
          policy: { engine, tokenizer: base.tokenizer, prompts, embeddings, maxNewTokens, ...retrieval },
          ...(answerer.adapter === undefined ? {} : { answerer: answerer.adapter }),
          reward,
          questions,
          ...(limit === undefined ? {} : { limit }),
          seed,
          signal,
          onProgress: progress.update,
        }),
      ),
    );
    progress.end();
    process.stdout.write(`${formatCredit(report, reward, top)}\n`);
    if (json !== undefined) {
      await writeJson(json, { reward, questions, answerer: answerer.adapter ?? "base", ...report });
    }
  } finally {
    progress.end();
    await models.close();
  }
}

/** Totals by event, then the operations that helped and harmed most. */
function formatCredit({ operations, events, skipped }: CreditReport, reward: string, top: number): string {
  const header = ["event", "operations", "helpful", "harmful", "credit", "gain"].map((cell, at) => pad(cell, at));
  const rows = Object.entries(events).map(([event, totals]) =>
    [event, totals.operations, totals.helpful, totals.harmful, signed(totals.credit), signed(totals.gain)].map(pad),
  );
  const left = Object.entries(skipped).flatMap(([reason, count]) => (count === 0 ? [] : [`${reason} ${count}`]));
  const helpful = operations.filter(({ gain }) => gain > 0).slice(0, top);
  const harmful = operations
    .filter(({ gain }) => gain < 0)
    .toReversed()
    .slice(0, top);
  return [
    `Credit of ${operations.length} operations by ${reward}; credit: mean change of a question's score, gain: sum of the changes`,
    [header, ...rows].map((cells) => cells.join("  ").trimEnd()).join("\n"),
    ...(left.length === 0 ? [] : [`Without credit: ${left.join(", ")}`]),
    ...section("Most helpful", helpful),
    ...section("Most harmful", harmful),
  ].join("\n\n");
}

function section(title: string, operations: readonly OperationCredit[]): string[] {
  return operations.length === 0 ? [] : [[`${title}:`, ...operations.map(describe)].join("\n")];
}

function describe({ namespace, turn, event, before, after, gain, questions, lost }: OperationCredit): string {
  const what = event === "UPDATE" ? `"${before}" → "${after}"` : `"${after ?? before}"`;
  const changed = questions.find(({ recorded, without }) => recorded !== without);
  const sample =
    changed === undefined
      ? ""
      : `; "${changed.text}" ${changed.recorded.toFixed(2)}, without it ${changed.without.toFixed(2)}`;
  const later = lost === 0 ? "" : `; ${lost} later operations rest on it`;
  return `  ${signed(gain)} over ${questions.length}  ${namespace.at(-1)} ${turn.id}  ${event} ${what}${sample}${later}`;
}

const signed = (value: number): string => `${value > 0 ? "+" : ""}${value.toFixed(3)}`;

const pad = (cell: string | number, at: number): string =>
  at === 0 ? String(cell).padEnd(6) : String(cell).padStart(10);
