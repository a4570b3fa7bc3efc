import { cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeJson } from "../atomic-file.js";
import type { Dialogue } from "../evaluate/dialogue.js";
import { evaluate } from "../evaluate/evaluate.js";
import { EvaluationLog } from "../evaluate/evaluation-log.js";
import { parseFields, readOptionalJson } from "../json-file.js";
import { chat, type RecipeContext } from "./context.js";
import type { StageRun } from "./stage.js";

export const VALIDATION = "validation.json";

/** Folder of the best checkpoint. */
export const CHOSEN = "chosen";

const resultSchema = z.object({
  /** Training steps of the checkpoint; that of the starting point is what training began with. */
  step: z.number().int().nonnegative(),
  /** Whether this stage trained it; else it is the starting point. */
  candidate: z.boolean(),
  questions: z.number().int(),
  f1: z.number(),
  exactMatch: z.number(),
  /** Of training up to here, without validation: what a curve is drawn against. */
  trainingSeconds: z.number(),
});

export type ValidationResult = Readonly<z.infer<typeof resultSchema>>;

export async function readValidation(folder: string): Promise<ValidationResult[]> {
  const file = join(folder, VALIDATION);
  const value = await readOptionalJson(file);
  if (value === undefined) return [];
  return parseFields(z.array(resultSchema), value, file, `remove ${folder} to do this stage anew`);
}

export const writeValidation = (folder: string, results: readonly ValidationResult[]): Promise<void> =>
  writeJson(join(folder, VALIDATION), results);

/** Names of adapters that the engine has; the base model where absent. */
export interface ValidatedAgents {
  readonly manager?: string;
  readonly answerer?: string;
}

/**
 * Answers all questions of the validation conversations from banks that these agents keep themselves: the measure that the test takes, not the
 * reward of training.
 * @param log name of the file of results. Where equal managers are validated it may be the same, and their banks are built once.
 * @param banks file of results that has the manager's decisions already.
 */
export async function validate(
  context: RecipeContext,
  dialogues: readonly Dialogue[],
  { manager, answerer }: ValidatedAgents,
  row: string,
  log: string,
  banks: string | undefined,
  { folder, progress, signal }: StageRun,
): Promise<Pick<ValidationResult, "questions" | "f1" | "exactMatch">> {
  const { prompts, embeddings, retrieval, options } = context;
  const results = new EvaluationLog(join(folder, "validation", `${log}.jsonl`));
  try {
    results.require("all", { log });
    if (banks !== undefined) results.takeSteps(banks);
    const [scores] = await evaluate(dialogues, {
      rows: [
        {
          name: row,
          memory: "bank",
          manager: manager === undefined ? "base" : "trained",
          answerer: answerer === undefined ? "base" : "trained",
        },
      ],
      models: {
        managers: { base: chat(context), trained: chat(context, manager) },
        answerers: { base: chat(context), trained: chat(context, answerer) },
        prompts,
      },
      embeddings,
      retrieval,
      facts: options.facts,
      log: results,
      seed: options.seed,
      concurrency: options.concurrency,
      signal,
      onProgress: (label, done) => progress(`validation: ${label}`, done),
    });
    const { questions, metrics } = scores!;
    return { questions, f1: metrics.f1!, exactMatch: metrics["exact-match"]! };
  } finally {
    results.close();
  }
}

/**
 * The checkpoint with the best F1; of equals the earliest that the stage trained. A starting point counts where it is another stage's
 * checkpoint, so that no stage ends with less than it began with; a new adapter does not. Undefined where there is none yet.
 */
export function bestOf(results: readonly ValidationResult[]): ValidationResult | undefined {
  const best = (of: readonly ValidationResult[]) =>
    of.reduce<ValidationResult | undefined>(
      (top, one) => (top === undefined || one.f1 > top.f1 ? one : top),
      undefined,
    );
  const trained = best(results.filter(({ candidate }) => candidate));
  const start = results.find(({ candidate, step }) => !candidate && step > 0);
  return start === undefined || (trained !== undefined && trained.f1 >= start.f1) ? trained : start;
}

/**
 * Keeps a copy of the best checkpoint in a stage's folder, since training keeps the latest ones only. A copy that is there is whole.
 * @param from folder that the checkpoint lies in.
 */
export async function keepBest(folder: string, from: string, step: number): Promise<void> {
  const chosen = join(folder, CHOSEN);
  const name = `checkpoint-${step}`;
  await mkdir(chosen, { recursive: true });
  const there = await readdir(chosen);
  if (!there.includes(name)) {
    const partial = join(chosen, "partial");
    await rm(partial, { recursive: true, force: true });
    await cp(join(from, name), partial, { recursive: true });
    await rename(partial, join(chosen, name));
  }
  for (const other of there) {
    if (other !== name) await rm(join(chosen, other), { recursive: true, force: true });
  }
}
