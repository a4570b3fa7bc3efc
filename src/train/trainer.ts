import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "../random.js";
import { sampleVarying } from "./algorithm/dynamic-sampling.js";
import { Learner } from "./learner.js";
import { AlarmError } from "./run/alarms.js";
import { latestCheckpoint, removeCheckpoints, removePartialCheckpoints, writeCheckpoint } from "./run/checkpoint.js";
import { DataCursor } from "./run/cursor.js";
import { RunLog } from "./run/run-log.js";
import { type StartingPoint, startingPoint } from "./run/starting-point.js";
import { StepHistory, type TrainSummary } from "./run/step-history.js";
import { streamSeed } from "./seeds.js";
import { writeAdapterRetrieval } from "./tasks/adapter-retrieval.js";
import { allConversations, readTrainedOn, writeTrainedOn } from "./tasks/conversations.js";
import { settledOptions, type TrainOptions } from "./train-options.js";

/**
 * Trains one agent's adapter on replayed episodes. All randomness in a step derives from the seed and the step's number,
 * so that a resumed run continues as if it had not stopped. Writes `out`/adapter in peft's format, `out`/metrics.jsonl,
 * and the latest checkpoints. `start` can be computed beforehand to surface its errors early.
 * @throws EngineError if a loss or gradient is not finite (the weights keep their values before that optimizer step, of
 * which a training step may have several), AlarmError with `stopOnAlarm`.
 */
export async function train(options: TrainOptions, start?: StartingPoint): Promise<TrainSummary> {
  const settled = settledOptions(options);
  const { engine, adapter, lora, task, steps, batchSize, groupSize, temperature, seed, algorithm } = settled;
  const { out, resume, checkpointEvery, tensorboard, signal, onStep } = settled;
  const { checkpoint, settings, origin, step: from, cursor: at } = start ?? (await startingPoint(options));
  await mkdir(out, { recursive: true });
  const learner = await Learner.create(engine, adapter, lora, algorithm);
  if (checkpoint !== undefined) await learner.load(checkpoint.folder, checkpoint.parts);
  await (resume ? removePartialCheckpoints(out) : removeCheckpoints(out));
  const log = await RunLog.open(out, { from: checkpoint?.folder, sameRun: resume, tensorboard });
  const history = new StepHistory(options.alarms, await log.read(), log.file);
  const cursor = new DataCursor(task.items, seed, at);
  const known = checkpoint === undefined ? [] : (await readTrainedOn(checkpoint.folder)).conversations;
  const conversations = allConversations(known, task.conversations ?? []);
  const tellOrigin = async (folder: string) => {
    await writeTrainedOn(folder, { task: task.name, conversations });
    if (task.retrieval !== undefined) await writeAdapterRetrieval(folder, task.retrieval);
  };
  for (let step = from; step < steps; step++) {
    const started = performance.now();
    const stepSeed = streamSeed(seed, task.name, step);
    const chosen = new Set<string>();
    const sample = async (batch: number, wanted: number) => {
      const items = (batch === 0 ? cursor.take(wanted) : extraItems(task.items, batch, stepSeed))
        .filter((item) => !chosen.has(item))
        .slice(0, wanted);
      for (const item of items) chosen.add(item);
      return items.length === 0 ? [] : task.rollouts(items, { groupSize, temperature, seed: stepSeed });
    };
    const { groups, extraBatches } = await sampleVarying(sample, batchSize, algorithm.extraBatches, algorithm);
    const sampled = performance.now();
    const learned = await learner.step(groups, stepSeed);
    const metrics = history.add(step + 1, algorithm.extraBatches === 0 ? learned : { ...learned, extraBatches });
    const seconds = { rollout: (sampled - started) / 1000, update: (performance.now() - sampled) / 1000 };
    await log.append(step + 1, metrics, seconds);
    if (metrics.alarms !== undefined && options.stopOnAlarm) {
      onStep?.({ step: step + 1, steps, metrics, seconds });
      const kept = await latestCheckpoint(out);
      throw new AlarmError(
        step + 1,
        metrics.alarms,
        kept === undefined ? "no checkpoint yet" : `${kept.folder} is kept`,
      );
    }
    const isLast = step + 1 === steps;
    const isStopped = signal?.aborted === true && !isLast;
    if ((step + 1) % checkpointEvery === 0 || isLast || isStopped) {
      const state = { step: step + 1, settings, cursor: cursor.state, random: { seed, step: step + 1 }, origin };
      await writeCheckpoint(out, state, async (folder) => {
        await learner.save(folder);
        await log.save(folder);
        await tellOrigin(folder);
      });
    }
    onStep?.({ step: step + 1, steps, metrics, seconds });
    if (isStopped) signal.throwIfAborted();
  }
  await engine.saveAdapter(adapter, join(out, "adapter"));
  await tellOrigin(join(out, "adapter"));
  return history.summary(task);
}

/** All items in the order in which a step's further batches take them. */
function extraItems(items: readonly string[], batch: number, seed: number): string[] {
  return new Random(streamSeed(seed, "extra batch", batch)).shuffle(items);
}
