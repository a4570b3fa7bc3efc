import type { OpenedModels } from "../../src/cli/options/models.js";
import type { RecipeContext, RecipeOptions, Splits } from "../../src/recipe/context.js";
import { LexicalEmbeddings } from "../../src/store/search/lexical-embeddings.js";
import { grpo } from "../../src/train/presets/grpo.js";

/** A recipe over few items with the tiny model: as little of everything as there can be. */
export const tinyContext = (
  { engine, base, prompts }: OpenedModels,
  data: Splits,
  options: Partial<RecipeOptions> = {},
): RecipeContext => ({
  engine,
  base,
  prompts,
  embeddings: new LexicalEmbeddings(),
  encoder: null,
  retrieval: { memoriesPerSpeaker: 4, namedSpeakersOnly: false },
  data,
  options: {
    seed: 4,
    facts: "observation",
    reward: "f1",
    credit: 0,
    evidence: 0,
    algorithm: grpo,
    lora: { rank: 2, alpha: 4 },
    batchSize: 1,
    groupSize: 2,
    temperature: 1,
    steps: { answerer: 1, manager: 1, final: 1 },
    checkpointEvery: 1,
    stopOnAlarm: false,
    warmStart: [],
    warmSteps: 1,
    concurrency: 4,
    ...options,
  },
});
