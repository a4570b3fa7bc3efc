import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { type Command, Option } from "commander";
import { UsageError } from "../errors.js";
import { type PlayedDialogue, playDialogues } from "../evaluate/play.js";
import { scorePlayed } from "../evaluate/score-played.js";
import { namespaceLabel } from "../store/namespace.js";
import { type OpenedStore, openStore } from "../store/open-store.js";
import { rankedMemoryStore } from "../store/ranked-memory-store.js";
import type { RetrievalSetting } from "../trace/episode.js";
import { EpisodeRecorder } from "../trace/recorder.js";
import { working } from "./exit.js";
import { untilInterrupted } from "./interrupt.js";
import { type LoadedDialogues, loadDialogues } from "./options/dialogues.js";
import { type OpenedModels, openModels } from "./options/models.js";
import {
  addDataOptions,
  addModelOptions,
  addRetrievalOptions,
  type DataOptions,
  dialogueForm,
  type ModelOptions,
  type RetrievalOptions,
  storePathOption,
  verbCommand,
} from "./options/options.js";
import { chooseRetrieval } from "./options/retrieval.js";
import { startProgress } from "./progress.js";

interface RecordOptions extends ModelOptions, DataOptions, RetrievalOptions {
  readonly store: "chroma" | "memory";
  readonly storePath: string;
  readonly out: string;
  readonly append?: boolean;
}

export function recordVerb(): Command {
  const command = verbCommand(
    "record",
    "Play dialogues through the memory manager and the answer agent, and record every decision to an episode file.",
    "memory-r1 record --dialogues 4\n" +
      "memory-r1 record --model .models/SmolLM2-135M-Instruct --data locomo10.json --conversation conv-26 --turns 40",
  );
  addDataOptions(addRetrievalOptions(addModelOptions(command)), { split: "train", dialogues: 8 });
  return command
    .addOption(
      new Option("--store <kind>", "chroma: kept, at CHROMA_URL or by an embedded server; memory: not kept")
        .choices(["chroma", "memory"])
        .default("chroma"),
    )
    .addOption(storePathOption())
    .option("--out <file>", "episode file to write", "runs/episodes.jsonl")
    .option("--append", "add to an episode file that is there")
    .addHelpText("after", dialogueForm)
    .action(record);
}

async function record(options: RecordOptions): Promise<void> {
  checkOut(options);
  const loaded = await loadDialogues(options, "train");
  const models = await openModels(options);
  try {
    const agents = { ...models, ...(await chooseRetrieval(options)) };
    const opened = await openRecordStore(models, options);
    try {
      await recordInto(opened, loaded, agents, options);
    } finally {
      await opened.close();
    }
  } finally {
    await models.close();
  }
}

async function openRecordStore(
  { embeddings }: OpenedModels,
  { store, storePath }: RecordOptions,
): Promise<OpenedStore> {
  if (store === "memory") {
    return {
      store: await rankedMemoryStore({ embeddings, fields: ["text"] }),
      kind: "memory",
      close: async () => undefined,
    };
  }
  return openStore({ embeddings, fields: ["text"], path: storePath });
}

async function recordInto(
  { store }: OpenedStore,
  { dialogues, facts }: LoadedDialogues,
  agents: OpenedModels & RetrievalSetting,
  { out, turns, questions, concurrency }: RecordOptions,
): Promise<void> {
  // Each recording has banks of its own, so that every replay begins with an empty one.
  const run = `${new Date().toISOString().slice(0, 19).replaceAll(/\D/g, "")}-${randomUUID().slice(0, 8)}`;
  const recorder = new EpisodeRecorder({ path: out });
  const progress = startProgress("record");
  let state = "nothing was recorded";
  try {
    const played = await working(() =>
      untilInterrupted((signal) =>
        playDialogues(dialogues, agents, {
          store,
          namespace: ({ id }) => ["recordings", run, namespaceLabel(id)],
          recorder,
          facts: facts === "model" ? "model" : "given",
          concurrency,
          signal,
          ...(turns === undefined ? {} : { turns }),
          ...(questions === undefined ? {} : { questions }),
          onProgress: (current) => {
            progress.update(current);
            state = `${current.done} of ${current.total} turns and questions are recorded`;
          },
        }),
      ),
    );
    progress.end();
    process.stdout.write(`${summary(played)}\n${out}: run ${run}\n`);
  } catch (error) {
    progress.end();
    process.stderr.write(`memory-r1: recording stopped; ${state}, whole, in ${out} (run ${run})\n`);
    throw error;
  } finally {
    recorder.close();
  }
}

function checkOut({ out, append }: RecordOptions): void {
  const size = statSync(out, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0 || append) return;
  throw new UsageError({
    what: "the episode file is there already",
    where: out,
    expected: "a new file, or --append",
    found: `${size} bytes`,
    remedy: "pass --append to add to it, or another --out",
  });
}

function summary(played: readonly PlayedDialogue[]): string {
  const { metrics } = scorePlayed("recorded", played);
  const steps = played.flatMap((dialogue) => dialogue.steps);
  const changes = steps.flatMap((step) => step.changes).length;
  const answered = played.flatMap(({ answers }) => answers).length;
  return (
    `${played.length} dialogues, ${steps.length} turns, ${changes} changes, ${answered} answers; ` +
    `exact match ${metrics["exact-match"].toFixed(3)}, F1 ${metrics.f1.toFixed(3)}`
  );
}
