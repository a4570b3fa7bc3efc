import { chooseRows, type Row, rows, usesTrainedAnswerer, usesTrainedManager } from "../evaluate/rows.js";
import type { Agent } from "./context.js";

/** The stages of a recipe that train, by what they are for. */
export interface TrainedStages {
  /** The answerer on the untrained manager's banks. */
  readonly answerer: string;
  readonly manager: string;
  /** The answerer on the trained manager's banks. */
  readonly final: string;
  readonly warm: Readonly<Partial<Record<Agent, string>>>;
}

/** A row of the recipe's table, with the stages whose adapters it uses; the base model where absent. */
export interface RecipeRow {
  readonly row: Row;
  readonly manager?: string;
  readonly answerer?: string;
}

/**
 * The table's rows, in its order: those of these names, and one for each warm start. Row "answerer" is of the answerer that was trained on the
 * untrained manager's banks, which it is shown there; the others that have a trained one, of the last.
 */
export function recipeRows(names: readonly string[], stages: TrainedStages): RecipeRow[] {
  const chosen = chooseRows(names).map(
    (row): RecipeRow => ({
      row,
      ...(usesTrainedManager(row) ? { manager: stages.manager } : {}),
      ...(usesTrainedAnswerer(row) ? { answerer: row.name === "answerer" ? stages.answerer : stages.final } : {}),
    }),
  );
  const warm: RecipeRow[] = [];
  if (stages.warm.answerer !== undefined) {
    warm.push({ row: { ...named("answerer"), name: stages.warm.answerer }, answerer: stages.warm.answerer });
  }
  if (stages.warm.manager !== undefined) {
    warm.push({ row: { ...named("manager"), name: stages.warm.manager }, manager: stages.warm.manager });
  }
  return [...chosen, ...warm];
}

/** What a table without which no result says anything has: no memory, search, evidence, each with both answerers where it has one; all agents. */
export function recipeRowNames(compact: boolean): string[] {
  const turns = ["none", "bm25", "evidence"].map((context) => (compact ? `${context}-agent` : context));
  return [...turns, "bm25-answerer", "evidence-answerer", "base", "ADD-only", "NOOP", "manager", "answerer", "both"];
}

const named = (name: string): Row => rows.find((row) => row.name === name)!;
