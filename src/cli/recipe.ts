import { mkdir } from "node:fs/promises";
import { UsageError } from "../errors.js";
import { retrievalSetting } from "../memory/bank/retrieve.js";
import type { RecipeContext } from "../recipe/context.js";
import { locomoRecipe, locomoSplits } from "../recipe/locomo.js";
import { formatPlan, planStages, ratesOf, unmeasured } from "../recipe/plan.js";
import { probe } from "../recipe/probe.js";
import { readProbe, writeProbe } from "../recipe/probe-file.js";
import type { Stage } from "../recipe/stage.js";
import { stageMarks, stageOf, walkStages } from "../recipe/walk.js";
import { progressByLabel } from "./evaluate-rows.js";
import { working } from "./exit.js";
import { untilInterrupted } from "./interrupt.js";
import { algorithmOf } from "./options/algorithm-options.js";
import { openModels } from "./options/models.js";
import { type Given, type RecipeTrainOptions, requireRecipeOptions, withDefaults } from "./options/recipe-options.js";
import { givenRetrieval } from "./options/retrieval.js";
import { stepPrinter } from "./step-line.js";

export async function trainRecipe(wanted: RecipeTrainOptions, given: Given): Promise<void> {
  const path = requireData(wanted.data);
  requireRecipeOptions(given);
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
      retrieval: retrievalSetting(givenRetrieval(options)),
      data: splits,
      options: {
        seed: options.seed,
        facts,
        reward: options.reward,
        credit: options.credit,
        evidence: options.evidence,
        algorithm: { ...algorithm, maxResponseLength: models.base.sampling.maxNewTokens },
        lora: { rank: options.rank, alpha: options.alpha },
        batchSize: options.batch,
        groupSize: options.group,
        temperature: options.temperature,
        steps: { answerer: options.steps, manager: options.managerSteps, final: options.finalSteps },
        checkpointEvery: options.checkpointEvery,
        stopOnAlarm: options.stopOnAlarm ?? false,
        warmStart: options.warmStart ?? [],
        warmSteps: options.warmSteps,
        concurrency: options.concurrency,
      },
      ...(options.tensorboard ? { tensorboard: { now: Date.now } } : {}),
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
