import { join } from "node:path";
import { writeAtomic } from "../atomic-file.js";
import { memoryStore } from "../evaluate/compare.js";
import { playDialogues } from "../evaluate/play.js";
import { namespaceLabel } from "../store/namespace.js";
import { type EpisodeEvent, episodeEventSchema } from "../trace/episode.js";
import { EpisodeRecorder } from "../trace/recorder.js";
import type { Settings } from "../train/manifest.js";
import { withStableIds } from "../train/stable-ids.js";
import { chat, playRounds, questionsOf, type RecipeContext, turnsOf } from "./context.js";
import { readFacts } from "./facts-stage.js";
import { adapterFolder, type Stage } from "./stage.js";
import { FACTS } from "./stage-names.js";

export const EPISODES = "episodes.jsonl";

export interface RecordStageOptions {
  readonly name: string;
  /** Stages whose adapters play; the base model where absent. */
  readonly manager?: string;
  readonly answerer?: string;
}

/** Plays the conversations to learn from, greedily, and records every decision. One that is stopped begins anew: a bank is made in one go. */
export function recordStage(
  context: RecipeContext,
  common: Settings,
  { name, manager, answerer }: RecordStageOptions,
): Stage {
  const { engine, data, prompts, embeddings, retrieval, options } = context;
  const { train } = data;
  const trained = [manager, answerer].filter((stage) => stage !== undefined);
  return {
    name,
    what: `record ${turnsOf(train)} turns and ${questionsOf(train)} questions with the ${manager === undefined ? "untrained" : "trained"} manager`,
    needs: [FACTS, ...trained],
    settings: common,
    work: { decision: playRounds(train, options.concurrency), answer: questionsOf(train) },
    async run({ folder, input, progress, seconds, signal }) {
      const dialogues = (await readFacts(input(FACTS))).train;
      for (const stage of trained) await engine.loadAdapter(stage, adapterFolder(input(stage)));
      const events: EpisodeEvent[] = [];
      const recorder = new EpisodeRecorder({
        write: (line) => void events.push(episodeEventSchema.parse(JSON.parse(line))),
      });
      const started = seconds();
      let told = started;
      await playDialogues(
        dialogues,
        { manager: chat(context, manager), answerer: chat(context, answerer), prompts, ...retrieval },
        {
          store: await memoryStore(embeddings),
          namespace: ({ id }) => ["recordings", name, namespaceLabel(id)],
          recorder,
          concurrency: options.concurrency,
          signal,
          onProgress: (done) => {
            if (done.done <= turnsOf(dialogues)) told = seconds();
            progress(name, done);
          },
        },
      );
      recorder.close();
      const lines = withStableIds(events).map((event) => `${JSON.stringify(event)}\n`);
      await writeAtomic(join(folder, EPISODES), (file) => file.writeFile(lines.join("")));
      const answered = questionsOf(dialogues);
      const decided = playRounds(dialogues, options.concurrency);
      return {
        outputs: [EPISODES],
        measured: {
          ...(decided === 0 ? {} : { decision: { count: decided, seconds: told - started } }),
          ...(answered === 0 ? {} : { answer: { count: answered, seconds: seconds() - told } }),
        },
      };
    },
  };
}
