import { join } from "node:path";
import { type Command, Option } from "commander";
import { UsageError } from "../../errors.js";
import { type FactSource, factSources } from "../../evaluate/fact-source.js";
import { type Agent, agents } from "../../recipe/context.js";
import { factsHelp, positive, wholeNumber } from "./options.js";
import type { TrainVerbOptions } from "./train-options.js";

export interface RecipeVerbOptions {
  readonly recipe?: "locomo";
  readonly data?: string;
  readonly facts: FactSource;
  readonly stage?: string;
  readonly plan?: boolean;
  readonly probe: boolean;
  readonly warmStart?: readonly Agent[];
  readonly warmSteps: number;
  readonly managerSteps: number;
  readonly finalSteps: number;
  readonly turns?: number;
  readonly questions?: number;
  readonly rows?: readonly string[];
  readonly concurrency: number;
}

/** Options of `train` as a recipe takes them. */
export type RecipeTrainOptions = Omit<TrainVerbOptions, "episodes"> &
  Partial<Pick<TrainVerbOptions, "episodes">> &
  RecipeVerbOptions;

/** Whether the user gave an option, by its name in camel case. */
export type Given = (option: string) => boolean;

/**
 * What a recipe does where the options do not say: what a model of half a billion parameters was found to learn well with, on the training and
 * validation conversations. Token F1, since exact match is sparse; few memories, of whom the question names, the likeliest next to the question.
 */
const recipeDefaults = {
  out: join("runs", "locomo"),
  reward: "f1",
  steps: 100,
  managerSteps: 20,
  finalSteps: 40,
  batch: 8,
  checkpointEvery: 50,
  learningRate: 1e-4,
  maxNewTokens: 112,
  concurrency: 16,
  facts: "observation-or-words",
  memoriesPerSpeaker: 10,
  namedSpeakersOnly: true,
  search: "hybrid",
  words: true,
  adjacent: true,
  order: "nearest-last",
} as const;

const defaultOptions = Object.entries(recipeDefaults).map(([name, value]) =>
  value === true ? optionName(name) : `${optionName(name)} ${value}`,
);

/** "--memories-per-speaker" of "memoriesPerSpeaker". */
function optionName(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export const recipeHelp = `
A recipe (--recipe locomo) is a list of stages, each with a folder in --out: facts, record, answerer, manager, record-trained,
final-answerer, evaluate. A second call with the same options goes on where the first one stopped. It learns from conv-26,
chooses each stage's checkpoint by its F1 on conv-30, and tests once on all other conversations.
By default it has
  ${defaultOptions.slice(0, 9).join(" ")}
  ${defaultOptions.slice(9).join(" ")}
  memory-r1 train --recipe locomo --model .models/Qwen2.5-Coder-0.5B-Instruct --device cuda --data locomo10.json --plan
  memory-r1 train --recipe locomo --model .models/Qwen2.5-Coder-0.5B-Instruct --device cuda --data locomo10.json --embeddings .models/all-MiniLM-L6-v2
  memory-r1 train --recipe locomo --model .models/Qwen2.5-Coder-0.5B-Instruct --device cuda --data locomo10.json --stage manager`;

export function addRecipeOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--recipe <name>", "do all from the data to the table of scores, see below").choices(["locomo"]),
    )
    .option("--data <file>", "recipe: locomo10.json")
    .addOption(new Option("--facts <source>", `recipe: ${factsHelp}`).choices(factSources))
    .option("--stage <name>", "recipe: do this stage only")
    .option("--plan", "recipe: print the stages and about how long they take, and end")
    .option("--no-probe", "recipe: plan without measuring; what no stage has measured yet stays unknown")
    .addOption(
      new Option("--warm-start <agents...>", "recipe: these begin with SFT on their own best attempts").choices(agents),
    )
    .option("--warm-steps <n>", "recipe: steps of that", positive, 20)
    .option("--manager-steps <n>", "recipe: training steps of the manager; --steps are of the answerer", positive)
    .option("--final-steps <n>", "recipe: of the answerer, on the trained manager's banks", positive)
    .option("--turns <n>", "recipe: only the first turns of each conversation, and what can be asked of them", positive)
    .option("--questions <n>", "recipe: only the first questions of each conversation", wholeNumber)
    .option("--rows <names...>", "recipe: rows of the table, see evaluate --help")
    .option("--concurrency <n>", "recipe: conversations at once; eight times as many questions", positive)
    .addHelpText("after", recipeHelp);
}

/** The options with a recipe's defaults in place of those of `train`. */
export function withDefaults(options: RecipeTrainOptions, given: Given): RecipeTrainOptions {
  const missing = Object.entries(recipeDefaults).filter(([name]) => !given(name));
  return { ...options, ...Object.fromEntries(missing) };
}

/** @throws UsageError where an option is given that a recipe decides itself. */
export function requireRecipeOptions(given: Given): void {
  requireOwn(given, notForRecipes, "a recipe decides this itself", "leave it out; a second call goes on by itself");
}

const notForRecipes = [
  "episodes",
  "resume",
  "fork",
  "overwrite",
  "adapterManager",
  "adapterAnswerer",
  "agent",
  "form",
  "allowHeldOut",
];

const onlyForRecipes = [
  "data",
  "facts",
  "stage",
  "plan",
  "probe",
  "warmStart",
  "warmSteps",
  "managerSteps",
  "finalSteps",
  "turns",
  "questions",
  "rows",
  "concurrency",
];

/** @throws UsageError where an option is given that has no meaning without a recipe. */
export function requireNoRecipeOptions(given: Given): void {
  requireOwn(given, onlyForRecipes, "this is an option of recipes", "add --recipe locomo, or leave it out");
}

function requireOwn(given: Given, names: readonly string[], what: string, remedy: string): void {
  const wrong = names.filter(given).map(optionName);
  if (wrong.length > 0) throw new UsageError({ what, where: wrong.join(", "), remedy });
}
