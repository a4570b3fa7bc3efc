import { join } from "node:path";
import type { Settings } from "../train/run/manifest.js";

/** What time is spent on, as plans count it. */
export const workUnits = ["extraction", "decision", "answer", "answerer-step", "manager-step"] as const;

/**
 * extraction: a turn whose facts are found, many at once. decision: one of the manager's; where the model batches, conversations side by side
 * count once. answer: many at once. *-step: a training step of that agent, with its rollouts.
 */
export type WorkUnit = (typeof workUnits)[number];

/** How many of each unit a stage has to do. */
export type Work = Readonly<Partial<Record<WorkUnit, number>>>;

/** How many of each unit were done, and in how many seconds. */
export type Measured = Readonly<Partial<Record<WorkUnit, { readonly count: number; readonly seconds: number }>>>;

/** One part of a recipe: it makes the content of one folder from the folders of earlier stages. */
export interface Stage {
  /** Also the name of its folder. */
  readonly name: string;
  /** One line for the plan. */
  readonly what: string;
  /** Names of the earlier stages whose folders it reads. */
  readonly needs: readonly string[];
  /** What its output follows from, beside its inputs, by name. A stage that was begun or done goes on only with the same. */
  readonly settings: Settings;
  readonly work: Work;
  /** Does the work, or the rest of it where an earlier call was stopped. */
  run(run: StageRun): Promise<StageOutcome>;
}

export interface StageRun {
  /** Exists. Holds what an earlier call left that was stopped. */
  readonly folder: string;
  /** The folder of an earlier stage that is done. */
  readonly input: (stage: string) => string;
  readonly print: (line: string) => void;
  /** Tells how far a part of the work is. */
  readonly progress: (label: string, progress: { readonly done: number; readonly total: number }) => void;
  /** Seconds of a clock that only goes forward. */
  readonly seconds: () => number;
  readonly signal: AbortSignal;
}

export interface StageOutcome {
  /** Files and folders of the stage's folder that later stages read, or that people want: their hashes are kept. */
  readonly outputs: readonly string[];
  readonly measured: Measured;
}

/** The adapter of a stage that trains one. */
export const adapterFolder = (stage: string): string => join(stage, "adapter");
