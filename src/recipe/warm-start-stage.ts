import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../errors.js";
import { Random } from "../random.js";
import type { RolloutGroup, Sample, Task } from "../train/rollout.js";
import { removeCheckpoints, writeCheckpoint } from "../train/run/checkpoint.js";
import { DataCursor } from "../train/run/cursor.js";
import type { Settings } from "../train/run/manifest.js";
import { METRICS_FILE } from "../train/run/run-log.js";
import { flat, settingsOf } from "../train/run/run-settings.js";
import { streamSeed } from "../train/seeds.js";
import { type SftTokens, trainSft } from "../train/sft.js";
import { writeAdapterRetrieval } from "../train/tasks/adapter-retrieval.js";
import { type TrainedOn, writeTrainedOn } from "../train/tasks/conversations.js";
import { type Agent, questionsOf, type RecipeContext } from "./context.js";
import { EPISODES } from "./record-stage.js";
import { adapterFolder, type Stage } from "./stage.js";
import { recipeTask } from "./training-stage.js";
import { CHOSEN } from "./validation.js";

/** An attempt is imitated when it earned at least this: half of the gold answer's words, by F1. */
const ENOUGH = 0.5;

/** Of AdamW; the adapter's weights start at zero, and have a few steps only. */
const LEARNING_RATE = 2e-4;

export interface WarmStartOptions {
  readonly name: string;
  readonly agent: Agent;
  /** Stage whose episodes are attempted again. */
  readonly episodes: string;
  /** Stage whose adapter the other agent has. */
  readonly frozen?: string | undefined;
}

/**
 * Rejection sampling: the untrained agent attempts each recorded item some times, and learns by heart its best attempt at each, if that could
 * be read and earned enough. Nothing but its own words is shown to it. Begins anew where it was stopped.
 */
export function warmStartStage(
  context: RecipeContext,
  common: Settings,
  { name, agent, episodes, frozen }: WarmStartOptions,
): Stage {
  const { engine, data, options, retrieval } = context;
  const { seed, lora, reward, batchSize, groupSize, temperature, algorithm, warmSteps } = options;
  const sampling = { batchSize, groupSize, temperature, seed, algorithm, settings: { reward } };
  const own = flat({ agent, reward, batchSize, groupSize, temperature, lora, warmSteps, enough: ENOUGH });
  return {
    name,
    what: `warm start: the ${agent} imitates its own best attempts, ${warmSteps} steps`,
    needs: [episodes, ...(frozen === undefined ? [] : [frozen])],
    settings: { ...common, ...own },
    // Sampling all items once costs about what that many steps do; how many of them are found is not known before.
    work: { [`${agent}-step`]: Math.ceil(questionsOf(data.train) / batchSize) + warmSteps },
    async run(run) {
      const { folder, input, print } = run;
      if (frozen !== undefined) await engine.loadAdapter(frozen, adapterFolder(input(frozen)));
      const adapter = `${name}-in-training`;
      // A new adapter is the base model.
      await engine.createAdapter(adapter, { ...lora, seed });
      const task = recipeTask(context, agent, join(input(episodes), EPISODES), adapter, frozen);
      const groups: RolloutGroup[] = [];
      for (let at = 0; at < task.items.length; at += batchSize) {
        run.signal.throwIfAborted();
        const batch = task.items.slice(at, at + batchSize);
        groups.push(...(await task.rollouts(batch, { groupSize, temperature, seed: streamSeed(seed, name, at) })));
        run.progress(`${name}: attempts`, { done: groups.length, total: task.items.length });
      }
      const chosen = groups.flatMap((group) => bestAttempt(group) ?? []);
      requireSome(chosen, groups, name);
      const examples = chosen.flat();
      print(`${name}: ${chosen.length} of ${groups.length} items had an attempt worth imitating`);
      await trainSft(engine, adapter, shuffled(examples, streamSeed(seed, name)), {
        steps: warmSteps,
        batchSize,
        optimizer: { learningRate: LEARNING_RATE },
        warmup: Math.min(5, warmSteps),
        onStep: ({ step, loss }) => {
          run.signal.throwIfAborted();
          run.progress(`${name}: steps, loss ${loss.toFixed(3)}`, { done: step + 1, total: warmSteps });
        },
      });
      const checkpoint = { options: { engine, lora: { ...lora, seed }, task, ...sampling }, steps: warmSteps };
      await writeWarmCheckpoint(join(folder, CHOSEN), adapter, checkpoint);
      await engine.saveAdapter(adapter, adapterFolder(folder));
      await writeTrainedOn(adapterFolder(folder), trainedOn(task));
      await writeAdapterRetrieval(adapterFolder(folder), retrieval);
      return { outputs: ["adapter", CHOSEN], measured: {} };
    },
  };
}

const trainedOn = ({ name, conversations = [] }: Task): TrainedOn => ({ task: name, conversations });

/** Its samples as examples; none where the best attempt could not be read, or earned too little. Of equals the first. */
function bestAttempt({ rollouts }: RolloutGroup): readonly Sample[] | undefined {
  const readable = rollouts.filter(
    ({ format, outcome, samples }) => format === 1 && outcome >= ENOUGH && !samples.some(({ truncated }) => truncated),
  );
  const [best] = [...readable].sort((a, b) => b.outcome - a.outcome);
  return best?.samples;
}

function requireSome(chosen: readonly unknown[], groups: readonly RolloutGroup[], name: string): void {
  if (chosen.length > 0) return;
  throw new UsageError({
    what: "no attempt was good enough to be imitated",
    where: name,
    expected: `a readable one that earned ${ENOUGH} or more`,
    found: `none of ${groups.length} items had one`,
    remedy: "raise groupSize (--group), or leave out warmStart (--warm-start)",
  });
}

/** All examples again and again, each time in another order. */
function* shuffled(examples: readonly Sample[], seed: number): Generator<SftTokens> {
  for (let epoch = 0; ; epoch++) yield* new Random(streamSeed(seed, "epoch", epoch)).shuffle(examples);
}

/** Writes the adapter in the form of a training run's checkpoint, so that training goes on from it as from any other. */
async function writeWarmCheckpoint(
  out: string,
  adapter: string,
  { options, steps }: { readonly options: Parameters<typeof settingsOf>[0]; readonly steps: number },
): Promise<void> {
  const { engine, seed, task } = options;
  const all = Object.entries(await settingsOf(options)).filter(([name]) => !name.startsWith("algorithm."));
  const settings = { ...Object.fromEntries(all), algorithm: "SFT of own attempts" };
  await mkdir(out, { recursive: true });
  await removeCheckpoints(out);
  const cursor = new DataCursor(task.items, seed).state;
  await writeCheckpoint(
    out,
    { step: steps, settings, cursor, random: { seed, step: steps }, origin: null },
    async (folder) => {
      await mkdir(folder);
      await engine.saveTraining(adapter, folder);
      // Steps of a run that goes on from here are counted on, but its metrics begin with its own.
      await writeFile(join(folder, METRICS_FILE), "");
      await writeTrainedOn(folder, trainedOn(task));
    },
  );
}
