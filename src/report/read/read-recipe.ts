import { basename, join, resolve } from "node:path";
import { readOptionalJson } from "../../json-file.js";
import { SCORES } from "../../recipe/evaluation-stage.js";
import { readMark, type StageMark } from "../../recipe/mark.js";
import { EVALUATE, recipeStages, warmStages } from "../../recipe/stage-names.js";
import { readValidation, type ValidationResult } from "../../recipe/validation.js";
import { METRICS_FILE } from "../../train/run/run-log.js";
import { folderNames } from "./folder-names.js";
import { type ScoreRow, scoreRows } from "./score-rows.js";
import { readTrainingSteps, type TrainingRun, type TrainingStep } from "./training-steps.js";

const isOptional = (name: string): boolean => Object.values(warmStages).some((one) => one === name);

/** How far a stage of a recipe is. */
export interface RecipeStage {
  readonly name: string;
  readonly state: "missing" | StageMark["state"];
  /** Of the call that ended the stage; null where it is not done. */
  readonly seconds: number | null;
  /** After each part of its training; empty where it trains nothing, or has not begun to. */
  readonly validation: readonly ValidationResult[];
}

/** What a recipe has left in its folder. */
export interface RecipeRun {
  readonly name: string;
  readonly folder: string;
  /** Null where no stage says it yet. */
  readonly seed: number | null;
  readonly stages: readonly RecipeStage[];
  readonly marks: ReadonlyMap<string, StageMark>;
  readonly trainings: readonly TrainingRun[];
  /** Of the rows that are done. */
  readonly scores: readonly ScoreRow[];
}

/** Reads the folder of a recipe, finished or not; undefined where no folder in it says that it is a stage's. */
export async function readRecipe(folder: string): Promise<RecipeRun | undefined> {
  const marks = new Map<string, StageMark>();
  for (const name of await folderNames(folder)) {
    const mark = await readMark(join(folder, name));
    if (mark !== undefined) marks.set(name, mark);
  }
  if (marks.size === 0) return undefined;
  const expected = recipeStages.filter((name) => marks.has(name) || !isOptional(name));
  const others = [...marks.keys()].filter((name) => !expected.some((one) => one === name));
  const stages = await Promise.all([...expected, ...others].map((name) => readStage(folder, name, marks.get(name))));
  const trainings = await Promise.all(stages.map((stage) => readTraining(folder, stage)));
  const file = join(folder, EVALUATE, SCORES);
  const scores = marks.has(EVALUATE) ? await readOptionalJson(file) : undefined;
  return {
    name: basename(resolve(folder)),
    folder,
    seed: seedOf(marks),
    stages,
    marks,
    trainings: trainings.flatMap((training) => training ?? []),
    scores: scores === undefined ? [] : scoreRows(scores, file),
  };
}

async function readStage(folder: string, name: string, mark: StageMark | undefined): Promise<RecipeStage> {
  return {
    name,
    state: mark?.state ?? "missing",
    seconds: mark?.state === "done" ? mark.seconds : null,
    validation: mark === undefined ? [] : await readValidation(join(folder, name)),
  };
}

async function readTraining(folder: string, { name, validation }: RecipeStage): Promise<TrainingRun | undefined> {
  const steps = await readTrainingSteps(join(folder, name, "run", METRICS_FILE));
  return steps === undefined ? undefined : { name, steps: ownSteps(steps, validation) };
}

/** A training that goes on from another stage's checkpoint begins with a copy of that one's metrics. */
function ownSteps(steps: readonly TrainingStep[], [start]: readonly ValidationResult[]): readonly TrainingStep[] {
  return start === undefined || start.candidate ? steps : steps.filter(({ step }) => step > start.step);
}

function seedOf(marks: ReadonlyMap<string, StageMark>): number | null {
  const seeds = [...marks.values()].map(({ settings }) => settings.seed);
  return seeds.find((seed) => typeof seed === "number") ?? null;
}
