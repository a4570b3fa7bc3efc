import { z } from "zod";
import { jsonNumber } from "../../json-number.js";
import type { StepMetrics } from "./metrics.js";

/** What a run remembers of each step: the numbers that alarms watch and that are added up at the end. */
export const stepRecordSchema = z.object({
  step: jsonNumber,
  reward: jsonNumber,
  formatReward: jsonNumber,
  entropy: jsonNumber,
  unparsable: jsonNumber,
  loss: jsonNumber,
  gradientNorm: jsonNumber,
  kl: jsonNumber,
  maxRatio: jsonNumber,
  groups: jsonNumber,
  droppedGroups: jsonNumber,
  responses: jsonNumber,
  truncatedResponses: jsonNumber,
  unparsableResponses: jsonNumber,
  skippedCalls: jsonNumber,
});

export type StepRecord = Readonly<z.infer<typeof stepRecordSchema>>;

/** The numbers of a step, without the others of its metrics. */
export function stepRecord(step: number, metrics: StepMetrics): StepRecord {
  const names = Object.keys(stepRecordSchema.shape) as (keyof StepRecord)[];
  const values = { ...metrics, step };
  return Object.fromEntries(names.map((name) => [name, values[name]])) as StepRecord;
}
