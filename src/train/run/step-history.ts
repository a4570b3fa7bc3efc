import { parseFields, parseLine } from "../../json-file.js";
import type { Task } from "../rollout.js";
import type { Alarm } from "./alarm.js";
import { type AlarmThresholds, alarmsOf } from "./alarms.js";
import type { StepMetrics } from "./metrics.js";
import { type StepRecord, stepRecord, stepRecordSchema } from "./step-record.js";

/** Totals of a run: what was sampled, and how much of it taught nothing, by reason. */
export interface TrainSummary {
  readonly steps: number;
  readonly groups: number;
  readonly droppedGroups: number;
  readonly responses: number;
  readonly truncatedResponses: number;
  readonly unparsableResponses: number;
  readonly skippedCalls: number;
  /** Candidates in the episodes that made no item to learn from, counted by reason. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** The steps of a run so far, and the alarms that they raise. */
export class StepHistory {
  private readonly records: StepRecord[];

  /** `lines` are those of a metrics file: the steps that a resumed run has behind it. @throws FileError where they are of another form. */
  constructor(
    private readonly thresholds: Partial<AlarmThresholds> = {},
    lines = "",
    where = "metrics.jsonl",
  ) {
    this.records = lines
      .split("\n")
      .filter((line) => line !== "")
      .map((line, i) => {
        const place = `${where}:${i + 1}`;
        const value = parseLine(line, {
          what: "the line is not JSON",
          where: place,
          expected: "the metrics of one step",
          remedy: "train from the start",
        });
        const remedy = "resume with the version of this package that began the run";
        return parseFields(stepRecordSchema, value, place, remedy);
      });
  }

  /** Takes the next step's metrics and gives them back, with the alarms that begin to sound. */
  add(step: number, metrics: StepMetrics): StepMetrics & { readonly alarms?: readonly Alarm[] } {
    this.records.push(stepRecord(step, metrics));
    const alarms = alarmsOf(this.records, this.thresholds);
    return alarms.length === 0 ? metrics : { ...metrics, alarms };
  }

  summary({ skipped = {} }: Pick<Task, "skipped">): TrainSummary {
    const total = (name: keyof StepRecord) => this.records.reduce((sum, record) => sum + record[name], 0);
    return {
      steps: this.records.length,
      groups: total("groups"),
      droppedGroups: total("droppedGroups"),
      responses: total("responses"),
      truncatedResponses: total("truncatedResponses"),
      unparsableResponses: total("unparsableResponses"),
      skippedCalls: total("skippedCalls"),
      skipped,
    };
  }
}
