import { z } from "zod";
import type { StepMetrics } from "./metrics.js";

/** JSON has no number that is none, and writes null. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

/** What is remembered of each step while a run goes on: the numbers that alarms watch and that are added up at its end. */
export const stepRecordSchema = z.object({
  step: number,
  reward: number,
  formatReward: number,
  entropy: number,
  unparsable: number,
  loss: number,
  gradientNorm: number,
  kl: number,
  maxRatio: number,
  groups: number,
  droppedGroups: number,
  responses: number,
  truncatedResponses: number,
  unparsableResponses: number,
  skippedCalls: number,
});

export type StepRecord = Readonly<z.infer<typeof stepRecordSchema>>;

/** The numbers of a step, without the others of its metrics. */
export function stepRecord(step: number, metrics: StepMetrics): StepRecord {
  const names = Object.keys(stepRecordSchema.shape) as (keyof StepRecord)[];
  const values = { ...metrics, step };
  return Object.fromEntries(names.map((name) => [name, values[name]])) as StepRecord;
}
