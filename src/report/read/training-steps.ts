import { z } from "zod";
import { FileError, messageOf } from "../../errors.js";
import { parseAs, parseLine, readOptionalText } from "../../json-file.js";
import { jsonNumber } from "../../json-number.js";

const number = jsonNumber.default(Number.NaN);

/** A line of a run's metrics.jsonl, as far as the report shows it: what is absent is not a number. */
const trainingStepSchema = z.object({
  step: z.number(),
  reward: number,
  outcome: number,
  kl: number,
  entropy: number,
  unparsable: number,
  truncated: number,
  droppedGroups: number,
  groups: number,
  operations: z.record(z.string(), z.number()).default({}),
  alarms: z.array(z.object({ kind: z.string(), seen: z.string(), remedy: z.string() })).default([]),
});

export type TrainingStep = Readonly<z.infer<typeof trainingStepSchema>>;

export interface TrainingRun {
  readonly name: string;
  readonly steps: readonly TrainingStep[];
}

/**
 * The steps of a metrics file; undefined where there is no such file. A last line that is cut is left out: the run may be under way.
 * @throws FileError naming the line that is no step
 */
export async function readTrainingSteps(file: string): Promise<TrainingStep[] | undefined> {
  const unreadable = { what: "the metrics cannot be read", where: file, remedy: "check the path and its permissions" };
  const text = await readOptionalText(
    file,
    (cause) => new FileError({ ...unreadable, found: messageOf(cause), cause }),
  );
  if (text === undefined) return undefined;
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line, index) => parseStep(line, `${file}:${index + 1}`));
}

function parseStep(line: string, where: string): TrainingStep {
  const failure = { what: "the line is not a training step", where, remedy: "remove the line, or train again" };
  const value = parseLine(line, { ...failure, expected: "JSON" });
  return parseAs(trainingStepSchema, value, "the line", { ...failure, expected: "the metrics of one step" });
}
