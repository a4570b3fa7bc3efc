import { mean } from "../../mean.js";
import type { ScoreMetrics, ScoreRow } from "../read/score-rows.js";
import { alike, points } from "../spread.js";

/** The rows of one file of scores, under the name of its run. */
export interface ScoreSource {
  readonly name: string;
  readonly rows: readonly ScoreRow[];
}

/** A row of several runs, in the order of the runs; undefined for a run that has no such row. */
export interface SeedRow {
  readonly name: string;
  readonly runs: readonly (ScoreRow | undefined)[];
}

/** Rows of equal names beside each other, in the order in which the runs first have them. */
export function seedRows(sources: readonly ScoreSource[]): SeedRow[] {
  const names = [...new Set(sources.flatMap(({ rows }) => rows.map(({ name }) => name)))];
  return names.map((name) => ({ name, runs: sources.map(({ rows }) => rows.find((row) => row.name === name)) }));
}

/** Those that there are. */
export const knownRuns = ({ runs }: SeedRow): ScoreRow[] => runs.flatMap((row) => row ?? []);

/** Whether a row's answers scored alike in all runs: a control that no training touches. */
export const sameInAll = (row: SeedRow): boolean => {
  const runs = knownRuns(row);
  const metrics = [...new Set(runs.flatMap(({ metrics: all }) => Object.keys(all)))];
  return metrics.every((metric) =>
    alike(
      runs.map((run) => run.metrics[metric]),
      points,
    ),
  );
};

/**
 * A row's means over its runs, with the least and the greatest in place of an interval; where the runs are alike, the first one with its
 * bootstrap interval.
 */
export function pooled(row: SeedRow): Pick<ScoreRow, "name" | "metrics" | "intervals"> {
  const runs = knownRuns(row);
  const { name } = row;
  const first = runs[0]!;
  if (sameInAll(row)) return { name, metrics: first.metrics, intervals: first.intervals };
  const metrics: ScoreMetrics["metrics"] = {};
  const intervals: ScoreMetrics["intervals"] = {};
  for (const metric of Object.keys(first.metrics)) {
    const values = runs.flatMap(({ metrics: { [metric]: value } }) => value ?? []);
    metrics[metric] = mean(values);
    intervals[metric] = { questions: [Math.min(...values), Math.max(...values)] };
  }
  return { name, metrics, intervals };
}
