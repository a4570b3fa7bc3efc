import { appendFile, mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LoraOptions, PolicyEngine } from "../model/engine.js";
import { Random } from "../random.js";
import { AlarmError, type AlarmThresholds } from "./alarms.js";
import { latestCheckpoint, removeCheckpoints, writeCheckpoint } from "./checkpoint.js";
import { writeTrainedOn } from "./conversations.js";
import { sampleVarying } from "./dynamic-sampling.js";
import { Learner } from "./learner.js";
import type { StepMetrics } from "./metrics.js";
import type { PolicyOptions } from "./policy-options.js";
import type { Task } from "./rollout.js";
import { streamSeed } from "./seeds.js";
import { StepHistory, type TrainSummary } from "./step-history.js";

export interface TrainOptions {
  readonly engine: PolicyEngine;
  readonly adapter: string;
  readonly lora: LoraOptions;
  readonly task: Task;
  readonly steps: number;
  /** Items per step. */
  readonly batchSize: number;
  /** Attempts per item. */
  readonly groupSize: number;
  readonly temperature: number;
  readonly seed: number;
  /** One of ./presets, or a variation of it. */
  readonly algorithm: PolicyOptions;
  /** Folder for metrics and checkpoints. */
  readonly out: string;
  readonly checkpointEvery: number;
  /** Goes on from the folder's latest checkpoint. */
  readonly resume: boolean;
  /** When an alarm sounds; what is absent is as in `alarmDefaults`. */
  readonly alarms?: Partial<AlarmThresholds>;
  /** Ends the run with an AlarmError at the first alarm. Its step is in the metrics, and the last checkpoint stays. Default false. */
  readonly stopOnAlarm?: boolean;
  readonly onStep?: (progress: Progress) => void;
}

export interface Progress {
  /** Counted from 1. */
  readonly step: number;
  readonly steps: number;
  readonly metrics: StepMetrics;
  readonly seconds: { readonly rollout: number; readonly update: number };
}

/**
 * Trains one agent's adapter on replayed episodes. Everything random in a step follows from the seed and the step's number, so that a
 * resumed run goes on as if it had not stopped. Leaves `out`/adapter in peft's format, `out`/metrics.jsonl, and the latest checkpoints.
 * Throws EngineError where loss or gradient is not a number, before that step changes a weight, and AlarmError where it is told to stop.
 */
export async function train(options: TrainOptions): Promise<TrainSummary> {
  const { engine, adapter, lora, task, steps, batchSize, groupSize, temperature, seed, algorithm, out, onStep } =
    options;
  await mkdir(out, { recursive: true });
  const metricsFile = join(out, "metrics.jsonl");
  const learner = await Learner.create(engine, adapter, lora, algorithm);
  if (!options.resume) await removeCheckpoints(out);
  const checkpoint = await latestCheckpoint(out);
  if (checkpoint !== undefined) await learner.load(checkpoint.folder);
  const from = checkpoint?.step ?? 0;
  await keepLines(metricsFile, from);
  const history = new StepHistory(options.alarms, await readFile(metricsFile, "utf8"), metricsFile);
  for (let step = from; step < steps; step++) {
    const started = performance.now();
    const stepSeed = streamSeed(seed, task.name, step);
    const chosen = new Set<string>();
    const sample = async (batch: number, wanted: number) => {
      const items = (batch === 0 ? batchOf(task.items, step, wanted, seed) : extraItems(task.items, batch, stepSeed))
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
    await appendFile(metricsFile, `${JSON.stringify({ step: step + 1, ...metrics })}\n`);
    if (metrics.alarms !== undefined && options.stopOnAlarm) {
      onStep?.({ step: step + 1, steps, metrics, seconds });
      const kept = await latestCheckpoint(out);
      throw new AlarmError(
        step + 1,
        metrics.alarms,
        kept === undefined ? "no checkpoint yet" : `${kept.folder} is kept`,
      );
    }
    if ((step + 1) % options.checkpointEvery === 0 || step + 1 === steps) {
      await writeCheckpoint(out, step + 1, (folder) => learner.save(folder));
    }
    onStep?.({ step: step + 1, steps, metrics, seconds });
  }
  await engine.saveAdapter(adapter, join(out, "adapter"));
  await writeTrainedOn(join(out, "adapter"), task.conversations ?? []);
  return history.summary(task);
}

/** The items of one step: epochs of all items, each in an order of its own, cut into batches that may span two epochs. */
export function batchOf(items: readonly string[], step: number, size: number, seed: number): string[] {
  const orders = new Map<number, string[]>();
  const wanted = Math.min(size, items.length);
  return Array.from({ length: wanted }, (_, i) => {
    const position = step * wanted + i;
    const epoch = Math.floor(position / items.length);
    let order = orders.get(epoch);
    if (order === undefined) {
      order = new Random(streamSeed(seed, "epoch", epoch)).shuffle(items);
      orders.set(epoch, order);
    }
    return order[position % items.length]!;
  });
}

/** All items in the order in which a step's further batches take them. */
function extraItems(items: readonly string[], batch: number, seed: number): string[] {
  return new Random(streamSeed(seed, "extra batch", batch)).shuffle(items);
}

/** Drops the metrics of steps that will be done again. */
async function keepLines(file: string, count: number): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => "");
  if (text === "") {
    await writeFile(file, "");
    return;
  }
  const kept = text.split("\n").slice(0, count).join("\n");
  await truncate(file, Buffer.byteLength(kept === "" ? "" : `${kept}\n`));
}
