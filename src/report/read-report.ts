import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { FileError, UsageError } from "../errors.js";
import { readJson, readOptionalJson } from "../json-file.js";
import { readEpisodes } from "../trace/read.js";
import { type Recording, recording } from "./conversation.js";
import { type ScoreRow, scoreRows } from "./score-rows.js";
import type { ReportContent } from "./summary.js";
import { readTrainingSteps, type TrainingRun } from "./training-steps.js";

/** What a folder may hold beside its training runs: the names under which `memory-r1 start` leaves them. */
export const reportFiles = {
  before: "untrained.jsonl",
  after: "trained-manager.jsonl",
  scores: "scores.json",
} as const;

export interface ReportSources {
  /** Folders of training runs, or folders with such folders. */
  readonly folders: readonly string[];
  /** Episode files from before and after the training. Default: those of `reportFiles` in the folders. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  /** Scores as a file, or as they are. Default: that of `reportFiles` in the folders. */
  readonly scores?: string | readonly object[] | undefined;
}

/**
 * Reads all that there is of a run.
 * @throws FileError for a file that is named and missing, or not what it should be; UsageError where there is nothing to tell of
 */
export async function readReport({ folders, before, after, scores }: ReportSources): Promise<ReportContent> {
  const runs = (await Promise.all(folders.map(trainingRuns))).flat();
  const content = {
    title: ["Memory-R1", ...folders.map((folder) => basename(resolve(folder)))].join(" · "),
    runs: distinct(runs),
    scores: await readScores(folders, scores),
    before: readRecording(before ?? find(folders, reportFiles.before)),
    after: readRecording(after ?? find(folders, reportFiles.after)),
  };
  if (content.runs.length + content.scores.length > 0 || (content.before ?? content.after) !== undefined)
    return content;
  throw new UsageError({
    what: "there is nothing to report",
    where: folders.join(", "),
    expected: "metrics.jsonl in a folder or in the folders below it, episodes, or scores",
    found: "none of them",
    remedy: "pass the folder that `memory-r1 train --out` or `memory-r1 start` wrote, --episodes, or --scores",
  });
}

/** The run of a folder, or those of the folders in it. */
async function trainingRuns(folder: string): Promise<TrainingRun[]> {
  const here = await readTrainingSteps(join(folder, "metrics.jsonl"));
  if (here !== undefined) return [{ name: basename(resolve(folder)), steps: here }];
  const below = (await folderNames(folder)).map(async (name) => ({
    name,
    steps: await readTrainingSteps(join(folder, name, "metrics.jsonl")),
  }));
  return (await Promise.all(below)).flatMap(({ name, steps }) => (steps === undefined ? [] : [{ name, steps }]));
}

/** In alphabetical order, but the manager first: it is trained first. */
async function folderNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    return names.sort((a, b) => Number(b === "manager") - Number(a === "manager") || (a < b ? -1 : 1));
  } catch (cause) {
    const found = (await stat(folder).catch(() => undefined)) === undefined ? "nothing there" : "no folder";
    throw new FileError({
      what: "the folder of the run cannot be read",
      where: folder,
      found,
      remedy: "pass the folder that `memory-r1 train --out` or `memory-r1 start` wrote",
      cause,
    });
  }
}

/** Runs of the same name are told apart by a number. */
function distinct(runs: readonly TrainingRun[]): TrainingRun[] {
  const met = new Map<string, number>();
  return runs.map(({ name, steps }) => {
    const times = (met.get(name) ?? 0) + 1;
    met.set(name, times);
    return { name: times === 1 ? name : `${name} (${times})`, steps };
  });
}

function find(folders: readonly string[], name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

function readRecording(file: string | undefined): Recording | undefined {
  return file === undefined
    ? undefined
    : recording(basename(file, ".jsonl"), readEpisodes(file, { tolerateCutTail: true }));
}

async function readScores(folders: readonly string[], given: ReportSources["scores"]): Promise<ScoreRow[]> {
  if (typeof given === "string") {
    return scoreRows(await readJson(given, "pass the file that `memory-r1 evaluate --json` wrote"), given);
  }
  if (given !== undefined) return scoreRows(given, "scores");
  for (const folder of folders) {
    const file = join(folder, reportFiles.scores);
    const value = await readOptionalJson(file);
    if (value !== undefined) return scoreRows(value, file);
  }
  return [];
}
