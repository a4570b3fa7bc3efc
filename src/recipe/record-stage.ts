import { join } from "node:path";
import { writeAtomic } from "../atomic-file.js";
import { buildBanks } from "../evaluate/build-banks.js";
import { mapConcurrently } from "../evaluate/concurrent.js";
import type { Dialogue } from "../evaluate/dialogue.js";
import { EvaluationLog } from "../evaluate/evaluation-log.js";
import { playDialogues } from "../evaluate/play.js";
import type { PlayProgress } from "../evaluate/progress.js";
import { namespaceLabel } from "../store/namespace.js";
import { rankedMemoryStore } from "../store/ranked-memory-store.js";
import { type EpisodeEvent, episodeEventSchema } from "../trace/episode.js";
import { EpisodeRecorder } from "../trace/recorder.js";
import type { Settings } from "../train/run/manifest.js";
import { withStableIds } from "../train/tasks/stable-ids.js";
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
 * the validation conversations. A play that is stopped begins anew, since its recording is made in one go; these banks go on.
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
      const [turns, questions] = [turnsOf(facts.train), questionsOf(facts.train)];
      const follow = jointProgress(stage.name, run);
      let restored: number | undefined;
      const play = (signal: AbortSignal) => {
        const onProgress = (progress: PlayProgress) => {
          ended[progress.done <= turns ? "turns" : "questions"] = seconds();
          follow("play", progress);
        };
        const part = { dialogues: facts.train, path: join(folder, EPISODES), signal, onProgress };
        return playAndRecord(context, stage, part);
      };
      const build = (signal: AbortSignal) => {
        const onProgress = (progress: PlayProgress) => {
          ended.banks = seconds();
          restored ??= progress.done;
          follow("banks", progress);
        };
        const part = { dialogues: facts.validation, path: join(folder, VALIDATION_BANKS), signal, onProgress };
        return buildValidationBanks(context, stage, part);
      };
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

/** What one of the stage's two works goes over, and the file that it makes. */
interface Part {
  readonly dialogues: readonly Dialogue[];
  readonly path: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PlayProgress) => void;
}

async function playAndRecord(
  context: RecipeContext,
  { name, manager, answerer }: RecordStageOptions,
  { dialogues, path, signal, onProgress }: Part,
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
  { dialogues, path, signal, onProgress }: Part,
): Promise<void> {
  const { prompts, embeddings, retrieval, options } = context;
  const log = new EvaluationLog(path);
  try {
    log.require("all", { stage: name });
    await buildBanks(dialogues, chat(context, manager), manager === undefined ? "base" : "trained", {
      prompts,
      embeddings,
      retrieval,
      log,
      concurrency: options.concurrency,
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
