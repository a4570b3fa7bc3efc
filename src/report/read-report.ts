import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { UsageError } from "../errors.js";
import { readJson, readOptionalJson } from "../json-file.js";
import { EPISODES } from "../recipe/record-stage.js";
import { RECORD, RECORD_TRAINED, recipeStages } from "../recipe/stage-names.js";
import { readEpisodes } from "../trace/read.js";
import { type Recording, recording } from "./read/conversation.js";
import { folderNames } from "./read/folder-names.js";
import { type RecipeRun, readRecipe } from "./read/read-recipe.js";
import { requireSeeds } from "./read/same-recipe.js";
import { type ScoreRow, scoreRows } from "./read/score-rows.js";
import { testQuestions } from "./read/test-questions.js";
import { readTrainingSteps, type TrainingRun } from "./read/training-steps.js";
import type { RecipeReport, ReportContent } from "./sections/summary.js";

/** What a folder may hold beside its training runs: the names under which `memory-r1 start` leaves them. */
export const reportFiles = {
  before: "untrained.jsonl",
  after: "trained-manager.jsonl",
  scores: "scores.json",
} as const;

export interface ReportSources {
  /** Folders of training runs, folders with such folders, or folders of recipes; several recipes are seeds of one. */
  readonly folders: readonly string[];
  /** Episode files from before and after the training. Default: those of `reportFiles` in the folders. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  /** Scores as a file, or as they are. Default: that of `reportFiles` in the folders. */
  readonly scores?: string | readonly object[] | undefined;
  /** Draws the test questions of a recipe that are shown. Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Reads all that there is of a run.
 * @throws FileError for a file that is named and missing, or not what it should be; UsageError where there is nothing to tell of
 */
export async function readReport({ folders, before, after, scores, seed = 0 }: ReportSources): Promise<ReportContent> {
  const { recipe, others } = await sortFolders(folders, seed);
  const runs = (await Promise.all(others.map(trainingRuns))).flat();
  const files = { before: before ?? find(others, reportFiles.before), after: after ?? find(others, reportFiles.after) };
  const content = {
    title: ["Memory-R1", ...folders.map((folder) => basename(resolve(folder)))].join(" · "),
    runs: distinct(runs),
    scores: await readScores(others, scores),
    before: files.before === undefined ? recordingOf(recipe, RECORD) : readRecording(files.before),
    after: files.after === undefined ? recordingOf(recipe, RECORD_TRAINED) : readRecording(files.after),
    recipe,
  };
  const parts = [recipe, content.before, content.after].filter((part) => part !== undefined);
  if (content.runs.length + content.scores.length + parts.length > 0) return content;
  throw new UsageError({
    what: "there is nothing to report",
    where: folders.join(", "),
    expected: `metrics.jsonl in a folder or in the folders below it, folders of a recipe's stages (${recipeStages.join(", ")}) with their stage.json, episodes, or scores`,
    found: "none of them",
    remedy:
      "pass the folder that `memory-r1 train --out`, with or without --recipe, or `memory-r1 start` wrote, --episodes, or --scores",
  });
}

/** Recipes are told of together; in other folders, training runs are looked for. */
async function sortFolders(
  folders: readonly string[],
  seed: number,
): Promise<{ recipe: RecipeReport | undefined; others: string[] }> {
  const read = await Promise.all(folders.map(async (folder) => ({ folder, run: await readRecipe(folder) })));
  const runs = distinct(read.flatMap(({ run }) => run ?? []));
  requireSeeds(runs);
  const others = read.flatMap(({ folder, run }) => (run === undefined ? [folder] : []));
  return { recipe: runs.length === 0 ? undefined : { runs, seed, questions: await testQuestions(runs, seed) }, others };
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

/** Runs of the same name are told apart by a number. */
function distinct<Run extends { readonly name: string }>(runs: readonly Run[]): Run[] {
  const met = new Map<string, number>();
  return runs.map((run) => {
    const times = (met.get(run.name) ?? 0) + 1;
    met.set(run.name, times);
    return { ...run, name: times === 1 ? run.name : `${run.name} (${times})` };
  });
}

function find(folders: readonly string[], name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

function readRecording(file: string, name = basename(file, ".jsonl")): Recording {
  return recording(name, readEpisodes(file, { tolerateCutTail: true }));
}

/** What a stage of a recipe recorded, of the first run that has recorded anything. */
function recordingOf(recipe: RecipeReport | undefined, stage: string): Recording | undefined {
  const done = (name: string) => (run: RecipeRun) => run.marks.get(name)?.state === "done";
  const run = recipe?.runs.find(done(RECORD));
  if (recipe === undefined || run === undefined || !done(stage)(run)) return undefined;
  const of = recipe.runs.length === 1 ? "" : `${run.name}, `;
  return readRecording(join(run.folder, stage, EPISODES), `${of}${stage}: the training conversations`);
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
