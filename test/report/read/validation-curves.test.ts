import { describe, expect, it } from "vitest";
import type { ValidationResult } from "../../../src/recipe/validation.js";
import type { RecipeRun } from "../../../src/report/read/read-recipe.js";
import { meanCurve, validationCurve } from "../../../src/report/read/validation-curves.js";

const result = (step: number, f1: number, trainingSeconds: number, candidate = true): ValidationResult => ({
  step,
  f1,
  trainingSeconds,
  candidate,
  questions: 81,
  exactMatch: 0,
});

const run = (name: string, validation: Readonly<Record<string, readonly ValidationResult[]>>): RecipeRun => ({
  name,
  folder: name,
  seed: null,
  stages: Object.entries(validation).map(([stage, results]) => ({
    name: stage,
    state: "done",
    seconds: 1,
    validation: results,
  })),
  marks: new Map(),
  trainings: [],
  scores: [],
});

const first = run("first", {
  answerer: [result(0, 0.2, 0, false), result(25, 0.3, 60), result(50, 0.25, 120)],
  "final-answerer": [result(25, 0.3, 0, false), result(75, 0.4, 180)],
});
const second = run("second", {
  answerer: [result(0, 0.2, 0, false), result(25, 0.3, 90), result(50, 0.35, 180)],
  "final-answerer": [result(50, 0.35, 0, false), result(100, 0.5, 60)],
});

describe("validation curves", () => {
  it("count minutes on over all of a stage's training, also after the checkpoint that was chosen, and steps anew", () => {
    const curve = validationCurve(first).map(({ stage, step, minutes, chosen }) => [stage, step, minutes, chosen]);
    expect(curve).toEqual([
      ["answerer", 0, 0, false],
      ["answerer", 25, 1, true],
      ["answerer", 50, 2, false],
      ["final-answerer", 0, 2, false],
      ["final-answerer", 50, 5, true],
    ]);
  });

  it("have means at steps of a stage, whatever step of a training its beginning was, where all runs have them", () => {
    const curves = [first, second].map(validationCurve);
    const mean = meanCurve([curves[0]!, curves[1]!]).map(({ step, minutes, f1 }) => [step, minutes, f1.toFixed(3)]);
    expect(mean).toEqual([
      [0, 0, "0.200"],
      [25, 1.25, "0.300"],
      [50, 2.5, "0.300"],
      [0, 2.5, "0.325"],
      [50, 4.5, "0.450"],
    ]);
    const shorter = curves[1]!.filter(({ stage }) => stage === "answerer");
    expect(meanCurve([curves[0]!, shorter]).length).toBe(3);
  });
});
