import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Command } from "commander";
import { FileError } from "../errors.js";
import { type Configuration, compareAgents } from "../evaluate/compare.js";
import type { Dialogue } from "../evaluate/dialogue.js";
import { extractDialogueFacts } from "../evaluate/extract-facts.js";
import type { Scores } from "../evaluate/scores.js";
import { formatMarkdown, formatTable } from "../evaluate/table.js";
import { addOnly, noop } from "../memory/controls.js";
import { writeAtomic } from "../model/atomic-file.js";
import type { RetrievalSetting } from "../trace/episode.js";
import { loadDialogues } from "./dialogues.js";
import { working } from "./exit.js";
import { checkUnseen } from "./hygiene.js";
import { untilInterrupted } from "./interrupt.js";
import { type OpenedModels, openModels } from "./models.js";
import {
  addDataOptions,
  addModelOptions,
  addRetrievalOptions,
  type DataOptions,
  dialogueForm,
  type ModelOptions,
  type RetrievalOptions,
  verbCommand,
} from "./options.js";
import { startProgress } from "./progress.js";
import { chooseRetrieval, describeRetrieval } from "./retrieval.js";

interface EvaluateOptions extends ModelOptions, DataOptions, RetrievalOptions {
  readonly controls?: boolean;
  readonly json?: string;
  readonly markdown?: boolean;
  readonly allowTrained?: boolean;
}

export function evaluateVerb(): Command {
  const command = verbCommand(
    "evaluate",
    "Play held-out dialogues with the base model, and with trained adapters, and print their scores beside each other.",
    "memory-r1 evaluate --controls --adapter-manager runs/manager/adapter --adapter-answerer runs/answerer/adapter\n" +
      "memory-r1 evaluate --model .models/SmolLM2-135M-Instruct --data locomo10.json --conversation conv-26 --turns 40",
  );
  addDataOptions(addRetrievalOptions(addModelOptions(command)), { split: "test", dialogues: 16 });
  return command
    .option("--controls", "also play ADD-only and NOOP managers, which use no model")
    .option("--json <file>", "write the scores as JSON")
    .option("--markdown", "print the tables in Markdown")
    .option("--allow-trained", "also on conversations that an adapter learned from")
    .addHelpText("after", dialogueForm)
    .action(evaluate);
}

async function evaluate(options: EvaluateOptions): Promise<void> {
  const { json } = options;
  if (json !== undefined) await createFolder(dirname(json));
  const dialogues = await loadDialogues(options, "test");
  if (!options.allowTrained) {
    const adapters = [options.adapterManager, options.adapterAnswerer].filter((adapter) => adapter !== undefined);
    await checkUnseen(dialogues, adapters);
  }
  const models = await openModels(options);
  try {
    const agents = { ...models, ...(await chooseRetrieval(options)) };
    process.stderr.write(`answers from ${describeRetrieval(agents)}\n`);
    const all = await working(() => untilInterrupted((signal) => compare(dialogues, agents, options, signal)));
    process.stdout.write(`${options.markdown ? formatMarkdown(all) : formatTable(all)}\n`);
    if (json !== undefined) await writeAtomic(json, (file) => file.writeFile(`${JSON.stringify(all, null, 2)}\n`));
  } finally {
    await models.close();
  }
}

async function createFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new FileError({
      what: "the folder for the scores cannot be made",
      where: folder,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: "pass --json with a path that can be written",
      cause,
    });
  }
}

async function compare(
  dialogues: readonly Dialogue[],
  agents: OpenedModels & RetrievalSetting,
  { turns, questions, concurrency, facts, controls = false, ...options }: EvaluateOptions,
  signal: AbortSignal,
): Promise<Scores[]> {
  const part = {
    signal,
    concurrency,
    ...(turns === undefined ? {} : { turns }),
    ...(questions === undefined ? {} : { questions }),
  };
  const told = facts === "model" ? await extract(dialogues, agents, part) : dialogues;
  const progress = new Map<string, ReturnType<typeof startProgress>>();
  return compareAgents(told, configurations(agents, options, controls), {
    ...part,
    onProgress: (name, current) => {
      const shown = progress.get(name) ?? startProgress(name);
      progress.set(name, shown);
      shown.update(current);
    },
    onScores: ({ name }) => progress.get(name)?.end(),
  });
}

/** Facts once for all, so that managers are compared on the same ones. */
async function extract(
  dialogues: readonly Dialogue[],
  { extractor, prompts }: OpenedModels,
  part: { signal: AbortSignal; turns?: number },
): Promise<Dialogue[]> {
  const progress = startProgress("facts");
  const found = await extractDialogueFacts(dialogues, extractor, { ...part, prompts, onProgress: progress.update });
  progress.end();
  process.stderr.write(`facts: ${found.unparsable} of ${found.asked} replies of the extractor could not be read\n`);
  return found.dialogues;
}

function configurations(
  {
    extractor,
    base,
    manager,
    answerer,
    prompts,
    memoriesPerSpeaker,
    namedSpeakersOnly,
  }: OpenedModels & RetrievalSetting,
  { adapterManager, adapterAnswerer }: Pick<EvaluateOptions, "adapterManager" | "adapterAnswerer">,
  controls: boolean,
): Configuration[] {
  const common = { extractor, prompts, memoriesPerSpeaker, namedSpeakersOnly };
  const rows: Configuration[] = [{ name: "base", agents: { ...common, manager: base, answerer: base } }];
  if (controls) {
    rows.push({ name: "ADD-only", agents: { ...common, manager: addOnly, answerer: base } });
    rows.push({ name: "NOOP", agents: { ...common, manager: noop, answerer: base } });
  }
  if (adapterManager !== undefined) rows.push({ name: "manager", agents: { ...common, manager, answerer: base } });
  if (adapterAnswerer !== undefined) rows.push({ name: "answerer", agents: { ...common, manager: base, answerer } });
  if (adapterManager !== undefined && adapterAnswerer !== undefined) {
    rows.push({ name: "manager and answerer", agents: { ...common, manager, answerer } });
  }
  return rows;
}
