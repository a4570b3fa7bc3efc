import type { LoraOptions, PolicyEngine } from "../model/engine/engine.js";
import type { PolicyOptions } from "./algorithm/policy-options.js";
import type { Task } from "./rollout.js";
import type { AlarmThresholds } from "./run/alarms.js";
import type { StepMetrics } from "./run/metrics.js";

/** Defaults of a training run. */
export const trainDefaults = {
  lora: { rank: 16, alpha: 32 },
  batchSize: 16,
  groupSize: 8,
  /** Memory-R1 samples at 1 while it trains. */
  temperature: 1,
  checkpointEvery: 10,
  resume: false,
} as const;

export interface TrainOptions {
  readonly engine: PolicyEngine;
  readonly adapter: string;
  /** LoRA options of a new adapter. Default rank 16, alpha 32, and the seed of the run. */
  readonly lora?: Partial<LoraOptions>;
  readonly task: Task;
  readonly steps: number;
  /** Items per step. Default 16. */
  readonly batchSize?: number;
  /** Attempts per item. Default 8. */
  readonly groupSize?: number;
  /** Sampling temperature of the attempts. Default 1, as in the paper. */
  readonly temperature?: number;
  readonly seed: number;
  /** One of ./presets, or a variation of it. */
  readonly algorithm: PolicyOptions;
  /** Folder for metrics and checkpoints. */
  readonly out: string;
  /** Steps between checkpoints. Default 10; the last step always has one. */
  readonly checkpointEvery?: number;
  /** Continues from the latest checkpoint in `out`, with the same settings; `steps` may be larger. Default false. */
  readonly resume?: boolean;
  /**
   * Starts from a checkpoint of another run, or from the latest in that run's folder; settings may differ. Its steps and
   * metrics continue.
   */
  readonly fork?: string;
  /** What the task's rollouts depend on besides its items, such as the reward's name; must not change when a run is resumed. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Also writes TensorBoard's event files into `out`; `now` gives milliseconds since 1970. */
  readonly tensorboard?: { readonly now: () => number };
  /** Alarm thresholds; missing ones are as in `alarmDefaults`. */
  readonly alarms?: Partial<AlarmThresholds>;
  /** Ends the run with an AlarmError at the first alarm. Its step is in the metrics, and the last checkpoint stays. Default false. */
  readonly stopOnAlarm?: boolean;
  /** Ends the run after the current step, which then has a checkpoint; the signal's reason is thrown. */
  readonly signal?: AbortSignal;
  readonly onStep?: (progress: Progress) => void;
}

export interface Progress {
  /** Counted from 1. */
  readonly step: number;
  readonly steps: number;
  readonly metrics: StepMetrics;
  readonly seconds: { readonly rollout: number; readonly update: number };
}

/** The options with all that has a default. */
export interface SettledTrainOptions extends TrainOptions {
  readonly lora: LoraOptions;
  readonly batchSize: number;
  readonly groupSize: number;
  readonly temperature: number;
  readonly checkpointEvery: number;
  readonly resume: boolean;
}

export function settledOptions(options: TrainOptions): SettledTrainOptions {
  const {
    lora,
    seed,
    batchSize = trainDefaults.batchSize,
    groupSize = trainDefaults.groupSize,
    temperature = trainDefaults.temperature,
    checkpointEvery = trainDefaults.checkpointEvery,
    resume = trainDefaults.resume,
  } = options;
  const adapter = { ...trainDefaults.lora, seed, ...lora };
  return { ...options, lora: adapter, batchSize, groupSize, temperature, checkpointEvery, resume };
}
