import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { UsageError } from "../errors.js";
import { retrievalSetting } from "../memory/retrieve.js";
import { type Agent, agents, type RecipeContext } from "../recipe/context.js";
import { locomoRecipe, locomoSplits } from "../recipe/locomo.js";
import { formatPlan, planStages, ratesOf, unmeasured } from "../recipe/plan.js";
import { probe } from "../recipe/probe.js";
import { readProbe, writeProbe } from "../recipe/probe-file.js";
import type { Stage } from "../recipe/stage.js";
import { stageMarks, stageOf, walkStages } from "../recipe/walk.js";
import { algorithmOf } from "./algorithm-options.js";
import { progressByLabel } from "./evaluate-rows.js";
import { working } from "./exit.js";
import { untilInterrupted } from "./interrupt.js";
import { openModels } from "./models.js";
import { positive, wholeNumber } from "./options.js";
import { stepPrinter } from "./step-line.js";
import type { TrainVerbOptions } from "./train.js";

export interface RecipeVerbOptions {
  readonly recipe?: "locomo";
  readonly data?: string;
  readonly facts: "model" | "observation";
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
type Given = (option: string) => boolean;

/**
 * What a recipe does where the options do not say: as far as it is known what a model of half a billion parameters learns well with. Token F1,
 * since exact match is sparse; the learning rate, batch and group with which such a model went from 23 to 30 F1 in 124 steps.
 */
const recipeDefaults = {
  out: join("runs", "locomo"),
  reward: "f1",
  steps: 100,
  batch: 8,
  checkpointEvery: 25,
  learningRate: 5e-5,
} as const;

export const recipeHelp = `
A recipe (--recipe locomo) is a list of stages, each with a folder in --out (default: ${recipeDefaults.out}): facts, record, answerer, manager,
record-trained, final-answerer, evaluate. A second call with the same options goes on where the first one stopped. It learns from
conv-26, chooses each stage's checkpoint by its F1 on conv-30, and tests once on all other conversations.
By default it has --reward ${recipeDefaults.reward}, --steps ${recipeDefaults.steps}, --batch ${recipeDefaults.batch}, --checkpoint-every ${recipeDefaults.checkpointEvery}, --learning-rate ${recipeDefaults.learningRate}.
  memory-r1 train --recipe locomo --model .models/Qwen2.5-Coder-0.5B-Instruct --device cuda --data locomo10.json --plan
  memory-r1 train --recipe locomo --model .models/Qwen2.5-Coder-0.5B-Instruct --device cuda --data locomo10.json --facts observation
  memory-r1 train --recipe locomo --model .models/Qwen2.5-Coder-0.5B-Instruct --device cuda --data locomo10.json --stage manager`;

export function addRecipeOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--recipe <name>", "do all from the data to the table of scores, see below").choices(["locomo"]),
    )
    .option("--data <file>", "recipe: locomo10.json")
    .addOption(
      new Option("--facts <source>", "recipe: facts of a turn, found by the model, or those that the data has")
        .choices(["model", "observation"])
        .default("model"),
    )
    .option("--stage <name>", "recipe: do this stage only")
    .option("--plan", "recipe: print the stages and about how long they take, and end")
    .option("--no-probe", "recipe: plan without measuring; what no stage has measured yet stays unknown")
    .addOption(
      new Option("--warm-start <agents...>", "recipe: these begin with SFT on their own best attempts").choices(agents),
    )
    .option("--warm-steps <n>", "recipe: steps of that", positive, 20)
    .option("--manager-steps <n>", "recipe: training steps of the manager; --steps are of the answerer", positive, 50)
    .option("--final-steps <n>", "recipe: of the answerer, on the trained manager's banks", positive, 50)
    .option("--turns <n>", "recipe: only the first turns of each conversation, and what can be asked of them", positive)
    .option("--questions <n>", "recipe: only the first questions of each conversation", wholeNumber)
    .option("--rows <names...>", "recipe: rows of the table, see evaluate --help")
    .option("--concurrency <n>", "recipe: conversations at once; eight times as many questions", positive, 8)
    .addHelpText("after", recipeHelp);
}

export async function trainRecipe(wanted: RecipeTrainOptions, given: Given): Promise<void> {
  const path = requireData(wanted.data);
  requireOwn(given, notForRecipes, "a recipe decides this itself", "leave it out; a second call goes on by itself");
  const options = withDefaults(wanted, given);
  const { facts, turns, questions, out } = options;
  const splits = await locomoSplits(path, {
    facts,
    ...(turns === undefined ? {} : { turns }),
    ...(questions === undefined ? {} : { questions }),
  });
  const algorithm = algorithmOf(options);
  const models = await openModels({ ...options, temperature: 0 });
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const shown = progressByLabel();
  try {
    const context: RecipeContext = {
      engine: models.engine,
      base: models.base,
      prompts: models.prompts,
      embeddings: models.embeddings,
      encoder: models.encoder,
      retrieval: retrievalSetting({
        ...(options.memoriesPerSpeaker === undefined ? {} : { memoriesPerSpeaker: options.memoriesPerSpeaker }),
        ...(options.namedSpeakersOnly === undefined ? {} : { namedSpeakersOnly: options.namedSpeakersOnly }),
        ...(options.search === undefined ? {} : { search: options.search }),
      }),
      data: splits,
      options: {
        seed: options.seed,
        facts,
        reward: options.reward,
        algorithm: { ...algorithm, maxResponseLength: models.base.sampling.maxNewTokens },
        lora: { rank: options.rank, alpha: options.alpha },
        batchSize: options.batch,
        groupSize: options.group,
        temperature: options.temperature,
        steps: { answerer: options.steps, manager: options.managerSteps, final: options.finalSteps },
        checkpointEvery: options.checkpointEvery,
        warmStart: options.warmStart ?? [],
        warmSteps: options.warmSteps,
        concurrency: options.concurrency,
      },
      ...(options.tensorboard ? { now: Date.now } : {}),
    };
    const printers = new Map<string, ReturnType<typeof stepPrinter>>();
    const stages = await locomoRecipe(context, {
      ...(options.rows === undefined ? {} : { rows: options.rows }),
      onStep: (label, progress) => {
        shown.end();
        const printer = printers.get(label) ?? stepPrinter(label, print);
        printers.set(label, printer);
        printer(progress);
      },
    });
    if (options.stage !== undefined) stageOf(stages, options.stage);
    await printPlan(stages, context, options, print);
    if (options.plan) return;
    await working(() =>
      untilInterrupted((signal) =>
        walkStages(stages, {
          out,
          ...(options.stage === undefined ? {} : { only: options.stage }),
          print: (line) => {
            shown.end();
            print(line);
          },
          progress: shown.update,
          seconds,
          signal,
        }),
      ),
    );
  } finally {
    shown.end();
    await models.close();
  }
}

const seconds = (): number => performance.now() / 1000;

/** Times of what no stage has measured yet come from a probe, which is kept beside the stages. */
async function printPlan(
  stages: readonly Stage[],
  context: RecipeContext,
  { out, probe: wanted }: RecipeTrainOptions,
  print: (line: string) => void,
): Promise<void> {
  const marks = await stageMarks(stages, out);
  let known = await readProbe(out);
  const open = unmeasured(stages, marks, ratesOf(stages, marks, known));
  if (wanted && open.length > 0) {
    process.stderr.write(`measuring how long ${open.join(", ")} take\n`);
    known = { ...known, ...(await working(() => probe(context, open, seconds))) };
    await mkdir(out, { recursive: true });
    await writeProbe(out, known);
  }
  print(`${out}: ${stages.length} stages\n${formatPlan(planStages(stages, marks, ratesOf(stages, marks, known)))}`);
}

function withDefaults(options: RecipeTrainOptions, given: Given): RecipeTrainOptions {
  const missing = Object.entries(recipeDefaults).filter(([name]) => !given(name));
  return { ...options, ...Object.fromEntries(missing) };
}

const notForRecipes = [
  "episodes",
  "resume",
  "fork",
  "adapterManager",
  "adapterAnswerer",
  "agent",
  "form",
  "credit",
  "stopOnAlarm",
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

/** Throws UsageError where an option is given that has no meaning without a recipe. */
export function requireNoRecipeOptions(given: Given): void {
  requireOwn(given, onlyForRecipes, "this is an option of recipes", "add --recipe locomo, or leave it out");
}

function requireOwn(given: Given, names: readonly string[], what: string, remedy: string): void {
  const wrong = names
    .filter(given)
    .map((name) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  if (wrong.length > 0) throw new UsageError({ what, where: wrong.join(", "), remedy });
}

function requireData(data: string | undefined): string {
  if (data !== undefined) return data;
  throw new UsageError({
    what: "a recipe needs data",
    where: "--data",
    expected: "locomo10.json, or a file of its form",
    found: "none",
    remedy: "pass --data with the file",
  });
}
