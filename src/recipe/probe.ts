import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../errors.js";
import type { Dialogue } from "../evaluate/dialogue.js";
import { extractDialogueFacts } from "../evaluate/extract-facts.js";
import { playDialogues } from "../evaluate/play.js";
import { rankedMemoryStore } from "../store/ranked-memory-store.js";
import { EpisodeRecorder } from "../trace/recorder.js";
import { train } from "../train/trainer.js";
import { type Agent, chat, mayHaveFacts, type RecipeContext } from "./context.js";
import type { Measured, WorkUnit } from "./stage.js";
import { recipeTask } from "./training-stage.js";

/** Turns that are played; each has one of the conversation's first questions. */
const TURNS = 6;

/** The first step of each training compiles its graphs. */
const STEPS = 2;

export type ProbeClock = () => number;

/**
 * Measures units of work on a small part of the conversation to learn from, in a minute or so where the recipe takes many. Training steps are
 * whole ones, as far as the part has items. Nothing of it is kept. A unit for which the part has nothing is left out.
 */
export async function probe(
  context: RecipeContext,
  units: readonly WorkUnit[],
  seconds: ProbeClock,
): Promise<Measured> {
  if (units.length === 0) return {};
  const { data, base, prompts, options } = context;
  const part = partOf(data.train[0]!);
  const measured: Partial<Record<WorkUnit, { count: number; seconds: number }>> = {};
  let started = seconds();
  const timed = (unit: WorkUnit, count: number): void => {
    if (count > 0) measured[unit] = { count, seconds: seconds() - started };
    started = seconds();
  };
  const told = options.facts === "model" ? (await extractDialogueFacts([part], base, { prompts })).dialogues : [part];
  if (options.facts === "model") timed("extraction", part.turns.length);
  const folder = await mkdtemp(join(tmpdir(), "memory-r1-probe-"));
  try {
    const episodes = join(folder, "episodes.jsonl");
    const lines: string[] = [];
    await playDialogues(
      told,
      { manager: chat(context), answerer: chat(context), prompts, ...context.retrieval },
      {
        store: await rankedMemoryStore({ embeddings: context.embeddings, fields: ["text"] }),
        recorder: new EpisodeRecorder({ write: (line) => void lines.push(line) }),
        onProgress: ({ done }) => {
          if (done === part.turns.length) timed("decision", told[0]!.turns.filter(mayHaveFacts).length);
        },
      },
    );
    timed("answer", part.questions.length);
    await writeFile(episodes, lines.join(""));
    for (const agent of ["answerer", "manager"] as const) {
      if (!units.includes(`${agent}-step`)) continue;
      const step = await timedStep(context, agent, episodes, join(folder, agent));
      if (step !== undefined) measured[`${agent}-step`] = { count: 1, seconds: step };
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  // Both agents' steps cost alike where only one could be tried.
  const steps = measured["answerer-step"] ?? measured["manager-step"];
  for (const unit of ["answerer-step", "manager-step"] as const) {
    if (steps !== undefined) measured[unit] ??= steps;
  }
  return measured;
}

/** Seconds of one whole training step, scaled up where there are fewer items than a batch has. */
async function timedStep(
  context: RecipeContext,
  agent: Agent,
  episodes: string,
  out: string,
): Promise<number | undefined> {
  const { engine, options } = context;
  const { seed, lora, batchSize } = options;
  const adapter = `probe of the ${agent}`;
  try {
    const task = recipeTask(context, agent, episodes, adapter);
    const tried = Math.min(batchSize, task.items.length);
    let last = 0;
    await train({
      algorithm: options.algorithm,
      groupSize: options.groupSize,
      temperature: options.temperature,
      seed,
      engine,
      adapter,
      lora: { ...lora, seed },
      task,
      steps: STEPS,
      batchSize: tried,
      out,
      checkpointEvery: Number.POSITIVE_INFINITY,
      onStep: ({ seconds }) => {
        last = seconds.rollout + seconds.update;
      },
    });
    return (last * batchSize) / tried;
  } catch (error) {
    // The first turns may decide no question.
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** The first turns that may have facts, and the first questions. Questions are asked though their evidence may not have been told yet: only the time counts. */
function partOf(dialogue: Dialogue): Dialogue {
  const turns = dialogue.turns.filter(mayHaveFacts).slice(0, TURNS);
  return {
    ...dialogue,
    turns,
    questions: dialogue.questions.slice(0, TURNS).map(({ after: _, ...question }) => question),
  };
}
