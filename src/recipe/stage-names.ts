/** Stages of LoCoMo's recipe, by the names that their folders have too. */
export const FACTS = "facts";
/** Plays the training conversations before training. */
export const RECORD = "record";
/** The answerer on the untrained manager's banks. */
export const ANSWERER = "answerer";
export const MANAGER = "manager";
/** Plays the training conversations after both agents were trained. */
export const RECORD_TRAINED = "record-trained";
/** The answerer, trained on, on the trained manager's banks. */
export const FINAL_ANSWERER = "final-answerer";
/** Asks the test questions. */
export const EVALUATE = "evaluate";

/** Before the training of an agent, where it was asked for. */
export const warmStages = { answerer: "warm-answerer", manager: "warm-manager" } as const;

/** All stages in their order, with those that are there only where they were asked for. */
export const recipeStages = [
  FACTS,
  RECORD,
  warmStages.answerer,
  ANSWERER,
  warmStages.manager,
  MANAGER,
  RECORD_TRAINED,
  FINAL_ANSWERER,
  EVALUATE,
] as const;

/** The stages that train an agent by its rewards, in their order. */
export const trainingStages = [ANSWERER, MANAGER, FINAL_ANSWERER] as const;
export type TrainingStage = (typeof trainingStages)[number];
