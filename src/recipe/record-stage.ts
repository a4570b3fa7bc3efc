import { join } from "node:path";
import { writeAtomic } from "../atomic-file.js";
import { buildBanks } from "../evaluate/build-banks.js";
import { mapConcurrently } from "../evaluate/concurrent.js";
import type { Dialogue } from "../evaluate/dialogue.js";
import { SPEAKERS } from "../evaluate/dialogue.js";
import { EvaluationLog } from "../evaluate/evaluation-log.js";
import { playDialogues } from "../evaluate/play.js";
import type { PlayProgress } from "../evaluate/progress.js";
import { namespaceLabel } from "../store/namespace.js";
import { rankedMemoryStore } from "../store/ranked-memory-store.js";
import { type EpisodeEvent, episodeEventSchema } from "../trace/episode.js";
import { EpisodeRecorder } from "../trace/recorder.js";
import type { Settings } from "../train/manifest.js";
import { withStableIds } from "../train/stable-ids.js";
import { bankRounds, batches, chat, playRounds, questionsOf, type RecipeContext, turnsOf } from "./context.js";
import { readFacts } from "./facts-stage.js";
import { adapterFolder, type Stage, type StageRun } from "./stage.js";
import { FACTS } from "./stage-names.js";

export const EPISODES = "episodes.jsonl";

/** What the same manager decided on the validation conversations: agents that are validated on its banks need not build them again. */
export const VALIDATION_BANKS = "validation-banks.jsonl";

export interface RecordStageOptions {
  readonly name: string;
  /** Stages whose adapters play; the base model where absent. */
  readonly manager?: string;
  readonly answerer?: string;
}

/**
 * Plays the conversations to learn from, greedily, and records every decision; beside them, in the same batches, the manager builds the banks of
 * the validation conversations. One that is stopped begins anew: a bank is made in one go.
 */
export function recordStage(context: RecipeContext, common: Settings, stage: RecordStageOptions): Stage {
  const { engine, data } = context;
  const { train, validation } = data;
  const trained = [stage.manager, stage.answerer].filter((name) => name !== undefined);
  const [plays, banks] = [playRounds(context, train), bankRounds(context, validation)];
  const decisions = batches(context) ? Math.max(plays, banks) : plays + banks;
  return {
    name: stage.name,
    what: `record ${turnsOf(train)} turns and ${questionsOf(train)} questions with the ${stage.manager === undefined ? "untrained" : "trained"} manager`,
    needs: [FACTS, ...trained],
    settings: common,
    work: { decision: decisions, answer: questionsOf(train) },
    async run(run) {
      const { folder, input, seconds } = run;
      const facts = await readFacts(input(FACTS));
      for (const name of trained) await engine.loadAdapter(name, adapterFolder(input(name)));
      const started = seconds();
      const ended = { turns: started, questions: started, banks: started };
      const { turns, questions } = { turns: turnsOf(facts.train), questions: questionsOf(facts.train) };
      const follow = jointProgress(stage.name, run);
      let restored: number | undefined;
      const play = (signal: AbortSignal) =>
        playAndRecord(context, stage, facts.train, join(folder, EPISODES), signal, (done) => {
          ended[done.done <= turns ? "turns" : "questions"] = seconds();
          follow("play", done);
        });
      const build = (signal: AbortSignal) =>
        buildValidationBanks(context, stage, facts.validation, join(folder, VALIDATION_BANKS), signal, (done) => {
          ended.banks = seconds();
          restored ??= done.done;
          follow("banks", done);
        });
      await mapConcurrently([play, build], 2, (work, _, stop) => work(AbortSignal.any([run.signal, stop])));
      const decided = Math.max(ended.turns, ended.banks) - started;
      // What an earlier call had decided took no time of this one; where all go in the play's batches, these count alone.
      const count = decisions - (batches(context) ? 0 : (restored ?? 0));
      return {
        outputs: [EPISODES, VALIDATION_BANKS],
        measured: {
          ...(count === 0 ? {} : { decision: { count, seconds: decided } }),
          ...(questions === 0 ? {} : { answer: { count: questions, seconds: ended.questions - ended.turns } }),
        },
      };
    },
  };
}

async function playAndRecord(
  context: RecipeContext,
  { name, manager, answerer }: RecordStageOptions,
  dialogues: readonly Dialogue[],
  path: string,
  signal: AbortSignal,
  onProgress: (progress: PlayProgress) => void,
): Promise<void> {
  const { prompts, embeddings, retrieval, options } = context;
  const events: EpisodeEvent[] = [];
  const recorder = new EpisodeRecorder({
    write: (line) => void events.push(episodeEventSchema.parse(JSON.parse(line))),
  });
  await playDialogues(
    dialogues,
    { manager: chat(context, manager), answerer: chat(context, answerer), prompts, ...retrieval },
    {
      store: await rankedMemoryStore({ embeddings, fields: ["text"] }),
      namespace: ({ id }) => ["recordings", name, namespaceLabel(id)],
      recorder,
      concurrency: options.concurrency,
      signal,
      onProgress,
    },
  );
  recorder.close();
  const lines = withStableIds(events).map((event) => `${JSON.stringify(event)}\n`);
  await writeAtomic(path, (file) => file.writeFile(lines.join("")));
}

async function buildValidationBanks(
  context: RecipeContext,
  { name, manager }: RecordStageOptions,
  dialogues: readonly Dialogue[],
  path: string,
  signal: AbortSignal,
  onProgress: (progress: PlayProgress) => void,
): Promise<void> {
  const { prompts, embeddings, retrieval, options } = context;
  const log = new EvaluationLog(path);
  try {
    log.require("all", { stage: name });
    await buildBanks(dialogues, chat(context, manager), manager === undefined ? "base" : "trained", {
      prompts,
      embeddings,
      search: retrieval.search,
      words: retrieval.words,
      log,
      concurrency: options.concurrency * SPEAKERS,
      signal,
      onProgress,
    });
  } finally {
    log.close();
  }
}

/** Tells of two works that go on side by side as of one, once both have told what was done before. */
function jointProgress(label: string, { progress }: StageRun): (part: string, done: PlayProgress) => void {
  const parts = new Map<string, PlayProgress>();
  return (part, own) => {
    parts.set(part, own);
    if (parts.size < 2) return;
    const sum = (of: keyof PlayProgress): number => [...parts.values()].reduce((all, each) => all + each[of], 0);
    progress(label, { done: sum("done"), total: sum("total") });
  };
}
