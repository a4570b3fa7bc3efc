import type { Agent } from "../../recipe/context.js";
import type { RewardName } from "../../reward/rewards.js";
import type { AlgorithmOptions } from "./algorithm-options.js";
import type { ModelOptions, RetrievalOptions } from "./options.js";

/** Options of `train` without a recipe. */
export interface TrainVerbOptions extends ModelOptions, AlgorithmOptions, RetrievalOptions {
  readonly episodes: readonly string[];
  readonly agent: Agent;
  readonly form: "decisions" | "dialogues";
  readonly reward: RewardName;
  readonly credit: number;
  readonly evidence: number;
  readonly steps: number;
  readonly batch: number;
  readonly group: number;
  readonly rank: number;
  readonly alpha: number;
  readonly checkpointEvery: number;
  readonly out: string;
  readonly resume?: boolean;
  readonly fork?: string;
  readonly overwrite?: boolean;
  readonly tensorboard: boolean;
  readonly stopOnAlarm?: boolean;
  readonly allowHeldOut?: boolean;
}
