import { mean } from "../../mean.js";
import { type TrainingStage, trainingStages } from "../../recipe/stage-names.js";
import { bestOf } from "../../recipe/validation.js";
import type { RecipeRun } from "./read-recipe.js";

/** A checkpoint that was validated, or what a stage began with. */
export interface CurvePoint {
  readonly stage: TrainingStage;
  /** Name of the run, "mean" of a mean over runs. */
  readonly run: string;
  /** Steps of its stage that were done. */
  readonly step: number;
  /** Of training since the recipe's first step, in all stages so far, without validation. */
  readonly minutes: number;
  /** In [0, 1]. */
  readonly f1: number;
  readonly questions: number;
  /** Whether the stage trained it; else it is what the stage began with. */
  readonly candidate: boolean;
  /** Whether it is the stage's adapter, or would be if the stage ended now. */
  readonly chosen: boolean;
}

/** The validated checkpoints of a run, stage after stage. */
export function validationCurve({ name, stages }: RecipeRun): CurvePoint[] {
  let before = 0;
  return trainingStages.flatMap((stage) => {
    const results = stages.find((one) => one.name === stage)?.validation ?? [];
    const chosen = bestOf(results);
    const from = before;
    before += results.at(-1)?.trainingSeconds ?? 0;
    return results.map((result) => ({
      stage,
      run: name,
      step: result.step - results[0]!.step,
      minutes: (from + result.trainingSeconds) / 60,
      f1: result.f1,
      questions: result.questions,
      candidate: result.candidate,
      chosen: result === chosen,
    }));
  });
}

/** Means of minutes and F1 over the runs, at the checkpoints that all runs have. */
export function meanCurve(curves: readonly (readonly CurvePoint[])[]): CurvePoint[] {
  const [first = [], ...others] = curves;
  return first.flatMap((point) => {
    const alike = others.flatMap(
      (curve) => curve.find((other) => other.stage === point.stage && other.step === point.step) ?? [],
    );
    if (alike.length < others.length) return [];
    const all = [point, ...alike];
    const [minutes, f1] = [mean(all.map((one) => one.minutes)), mean(all.map((one) => one.f1))];
    return [{ ...point, run: "mean", minutes, f1, chosen: false }];
  });
}
