import { UsageError } from "../errors.js";
import type { Dialogue } from "../evaluate/dialogue.js";
import type { FactSource } from "../evaluate/fact-source.js";
import { readLocomo, splitLocomo } from "../evaluate/locomo.js";
import { type PartOptions, selectPart } from "../evaluate/select-part.js";
import { compactPrompts } from "../memory/prompts/compact-prompts.js";
import type { Progress } from "../train/train-options.js";
import { type Agent, commonSettings, type RecipeContext, type Splits } from "./context.js";
import { evaluationStage } from "./evaluation-stage.js";
import { factsStage } from "./facts-stage.js";
import { recordStage } from "./record-stage.js";
import { recipeRowNames, recipeRows } from "./rows.js";
import type { Stage } from "./stage.js";
import { ANSWERER, EVALUATE, FINAL_ANSWERER, MANAGER, RECORD, RECORD_TRAINED, warmStages } from "./stage-names.js";
import { trainingStage } from "./training-stage.js";
import { warmStartStage } from "./warm-start-stage.js";

/** Memory-R1's split of a file in LoCoMo's form: conv-26 to learn from, conv-30 to choose by, all others to test once. */
export async function locomoSplits(
  path: string,
  { facts, ...part }: PartOptions & { readonly facts: FactSource },
): Promise<Splits> {
  const all = await readLocomo(path, { facts });
  const split = (name: keyof Splits): Dialogue[] =>
    splitLocomo(all, name).map((dialogue) => {
      const { turns, questions } = selectPart(dialogue, part);
      return { ...dialogue, turns: [...turns], questions: [...questions] };
    });
  const splits = { train: split("train"), validation: split("validation"), test: split("test") };
  for (const [name, dialogues] of Object.entries(splits)) requireQuestions(name, dialogues, path);
  return splits;
}

export interface LocomoRecipeOptions {
  /** Rows of the table; by default all that the claim needs. */
  readonly rows?: readonly string[];
  readonly onStep?: (label: string, progress: Progress) => void;
}

/**
 * Memory-R1 on LoCoMo: record; train the answerer; train the manager, rewarded by that answerer, which is frozen; train the answerer on, on the
 * banks of the trained manager; test. @throws UsageError for rows that there are not.
 */
export async function locomoRecipe(
  context: RecipeContext,
  { rows, onStep }: LocomoRecipeOptions = {},
): Promise<Stage[]> {
  const { options, prompts } = context;
  const { steps, warmStart } = options;
  const common = await commonSettings(context);
  const told = onStep === undefined ? {} : { onStep };
  const warm = (agent: Agent, frozen?: string) =>
    warmStart.includes(agent)
      ? [warmStartStage(context, common, { name: warmStages[agent], agent, episodes: RECORD, frozen })]
      : [];
  const warmOf = (agent: Agent) => (warmStart.includes(agent) ? { start: warmStages[agent] } : {});
  const names = {
    answerer: ANSWERER,
    manager: MANAGER,
    final: FINAL_ANSWERER,
    warm: Object.fromEntries(warmStart.map((agent) => [agent, warmStages[agent]])),
  };
  const table = recipeRows(rows ?? recipeRowNames(prompts === compactPrompts), names);
  return [
    factsStage(context, common),
    recordStage(context, common, { name: RECORD }),
    ...warm("answerer"),
    trainingStage(context, common, {
      name: names.answerer,
      agent: "answerer",
      episodes: RECORD,
      steps: steps.answerer,
      ...warmOf("answerer"),
      ...told,
    }),
    ...warm("manager", names.answerer),
    trainingStage(context, common, {
      name: names.manager,
      agent: "manager",
      episodes: RECORD,
      frozen: names.answerer,
      steps: steps.manager,
      ...warmOf("manager"),
      ...told,
    }),
    recordStage(context, common, { name: RECORD_TRAINED, manager: names.manager, answerer: names.answerer }),
    trainingStage(context, common, {
      name: names.final,
      agent: "answerer",
      episodes: RECORD_TRAINED,
      frozen: names.manager,
      start: names.answerer,
      steps: steps.final,
      ...told,
    }),
    evaluationStage(context, common, { name: EVALUATE, rows: table }),
  ];
}

function requireQuestions(split: string, dialogues: readonly Dialogue[], path: string): void {
  if (dialogues.some(({ questions }) => questions.length > 0)) return;
  throw new UsageError({
    what: `the ${split} split has no question`,
    where: path,
    expected: "questions whose evidence lies in the turns that are used",
    found: "none",
    remedy: "raise turns (--turns) or questions (--questions), or leave them out",
  });
}
