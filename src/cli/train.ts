import { join } from "node:path";
import { type Command, Option } from "commander";
import { UsageError } from "../errors.js";
import { retrievalSetting } from "../memory/bank/retrieve.js";
import { rewardNames } from "../reward/rewards.js";
import type { RetrievalSetting } from "../trace/episode.js";
import { readEpisodes } from "../trace/read.js";
import type { Task } from "../train/rollout.js";
import { latestCheckpoint } from "../train/run/checkpoint.js";
import { startingPoint } from "../train/run/starting-point.js";
import { answerTask } from "../train/tasks/answer-task.js";
import { recordedMark } from "../train/tasks/conversations.js";
import { type RecordedDialogue, recordedDialogues } from "../train/tasks/links.js";
import { type ManagerTaskOptions, managerDecisionTask } from "../train/tasks/manager-decision-task.js";
import { managerDialogueTask } from "../train/tasks/manager-dialogue-task.js";
import { type TrainOptions, trainDefaults } from "../train/train-options.js";
import { train } from "../train/trainer.js";
import { working } from "./exit.js";
import { checkTrainable } from "./hygiene.js";
import { InterruptedError, untilInterrupted } from "./interrupt.js";
import { addAlgorithmOptions, algorithmOf } from "./options/algorithm-options.js";
import { type OpenedModels, openModels } from "./options/models.js";
import { addModelOptions, addRetrievalOptions, nonNegative, positive, verbCommand } from "./options/options.js";
import { addRecipeOptions, type RecipeTrainOptions, requireNoRecipeOptions } from "./options/recipe-options.js";
import { chooseTrainingRetrieval } from "./options/retrieval.js";
import { taskSettings } from "./options/task-settings.js";
import {
  checkAdapter,
  checkCredit,
  checkEvidence,
  checkForm,
  checkOut,
  checkTemperature,
} from "./options/train-checks.js";
import type { TrainVerbOptions } from "./options/train-options.js";
import { trainRecipe } from "./recipe.js";
import { startLine } from "./start-line.js";
import { stepPrinter, summaryLines } from "./step-line.js";

export function trainVerb(): Command {
  const command = verbCommand(
    "train",
    "Train the memory manager or the answer agent by reinforcement learning on recorded episodes, with the other one frozen.",
    "memory-r1 train --episodes runs/episodes.jsonl --agent manager --out runs/manager\n" +
      "memory-r1 train --episodes runs/with-manager.jsonl --agent answerer --out runs/answerer\n" +
      "memory-r1 train --episodes runs/episodes.jsonl --algorithm ppo --out runs/manager-ppo\n" +
      "memory-r1 train --episodes runs/episodes.jsonl --credit 0.5 --out runs/manager-credited\n" +
      "memory-r1 train --episodes runs/episodes.jsonl --out runs/manager --steps 80 --resume\n" +
      "memory-r1 train --episodes runs/episodes.jsonl --out runs/slower --fork runs/manager --steps 80 --learning-rate 1e-4\n" +
      "memory-r1 train --recipe locomo --model .models/Qwen2.5-Coder-0.5B-Instruct --device cuda --data locomo10.json",
  );
  const { temperature, batchSize, groupSize, lora, checkpointEvery } = trainDefaults;
  const learning = addAlgorithmOptions(addRetrievalOptions(addModelOptions(command, { temperature })));
  return addRecipeOptions(learning)
    .option("--episodes <files...>", "episode files that `record` wrote; needed without --recipe")
    .addOption(new Option("--agent <role>", "whom to train").choices(["manager", "answerer"]).default("manager"))
    .addOption(
      new Option("--form <form>", "manager: one recorded decision at a time, or whole dialogues from an empty bank")
        .choices(["decisions", "dialogues"])
        .default("decisions"),
    )
    .addOption(new Option("--reward <name>", "of an answer").choices([...rewardNames]).default("exact-match"))
    .option("--credit <w>", "manager, decisions: weight of each operation's own credit in the reward", nonNegative, 0)
    .option(
      "--evidence <w>",
      "answerer: what naming the memories that hold the evidence adds to the reward",
      nonNegative,
      0,
    )
    .option("--steps <n>", "training steps", positive, 40)
    .option("--batch <n>", "decisions, dialogues or questions per step", positive, batchSize)
    .option("--group <n>", "attempts at each of them", positive, groupSize)
    .option("--rank <n>", "of the LoRA adapter", positive, lora.rank)
    .option("--alpha <n>", "scale of the LoRA adapter", positive, lora.alpha)
    .option("--checkpoint-every <n>", "steps between checkpoints", positive, checkpointEvery)
    .option("--out <dir>", "folder for the adapter, metrics and checkpoints", "runs/train")
    .option("--resume", "go on from the latest checkpoint in --out, with the same settings; --steps may be more")
    .option("--fork <dir>", "start from a checkpoint, or the latest of a run's folder, where other settings are fine")
    .addOption(new Option("--overwrite", "begin anew in an --out that holds a run, which is lost").conflicts("resume"))
    .option("--no-tensorboard", "leave out TensorBoard's event files in --out; metrics.jsonl is written always")
    .option("--stop-on-alarm", "end at the first alarm, with exit code 3; the last checkpoint stays")
    .option("--allow-held-out", "learn from conversations of a validation or test split too")
    .action(trainOrRecipe);
}

async function trainOrRecipe(options: RecipeTrainOptions, command: Command): Promise<void> {
  const given = (option: string): boolean => command.getOptionValueSource(option) === "cli";
  checkTemperature(options);
  if (options.recipe !== undefined) return trainRecipe(options, given);
  requireNoRecipeOptions(given);
  const { episodes } = options;
  if (episodes !== undefined) return trainAgent({ ...options, episodes });
  throw new UsageError({
    what: "there is nothing to learn from",
    where: "--episodes",
    expected: "episode files that `memory-r1 record` wrote, or --recipe",
    found: "neither",
    remedy: "pass --episodes with files, or --recipe locomo with --data",
  });
}

async function trainAgent(options: TrainVerbOptions): Promise<void> {
  const algorithm = algorithmOf(options);
  checkAdapter(options);
  checkForm(options);
  checkCredit(options);
  checkEvidence(options);
  await checkOut(options);
  const dialogues: RecordedDialogue[] = [];
  for (const file of options.episodes) dialogues.push(...recordedDialogues(await readEpisodes(file)));
  if (!options.allowHeldOut) checkTrainable(dialogues.map(recordedMark));
  const retrieval = await chooseTrainingRetrieval(options, dialogues);
  const models = await openModels(options);
  try {
    const task = makeTask(dialogues, { ...models, ...retrieval }, options);
    const {
      agent,
      steps,
      batch,
      group,
      rank,
      alpha,
      seed,
      out,
      checkpointEvery,
      resume = false,
      stopOnAlarm = false,
    } = options;
    const print = (line: string) => process.stdout.write(`${line}\n`);
    const run: TrainOptions = {
      engine: models.engine,
      adapter: trained(agent),
      lora: { rank, alpha, seed },
      task,
      steps,
      batchSize: batch,
      groupSize: group,
      temperature: options.temperature,
      seed,
      algorithm: { ...algorithm, maxResponseLength: models.base.sampling.maxNewTokens },
      settings: { ...(await taskSettings(models, options)), retrieval },
      out,
      checkpointEvery,
      resume,
      ...(options.fork === undefined ? {} : { fork: options.fork }),
      ...(options.tensorboard ? { tensorboard: { now: Date.now } } : {}),
      stopOnAlarm,
      onStep: stepPrinter(agent, print),
    };
    const start = await startingPoint(run);
    print(`${task.items.length} items to learn from, ${batch} a step in groups of ${group}`);
    const from = startLine(start);
    if (from !== undefined) print(from);
    const summary = await working(() =>
      untilInterrupted((signal) => train({ ...run, signal }, start)).catch(async (error: unknown) => {
        if (error instanceof InterruptedError) {
          const kept = await latestCheckpoint(out);
          process.stderr.write(`memory-r1: training stopped; go on from ${kept!.folder} with --resume\n`);
        }
        throw error;
      }),
    );
    for (const line of summaryLines(agent, summary)) print(line);
    print(`Adapter: ${join(out, "adapter")}. Use it: memory-r1 evaluate --adapter-${agent} ${join(out, "adapter")}`);
  } finally {
    await models.close();
  }
}

/** The adapter under training never takes the name of one that was loaded. */
const trained = (agent: string): string => `${agent}-in-training`;

function makeTask(
  dialogues: readonly RecordedDialogue[],
  models: OpenedModels & RetrievalSetting,
  options: TrainVerbOptions,
): Task {
  const { engine, base, answerer, prompts, embeddings } = models;
  const { agent, form, reward, credit, evidence } = options;
  const { maxNewTokens } = base.sampling;
  const { tokenizer } = base;
  const policy = { engine, tokenizer, prompts, embeddings, maxNewTokens, ...retrievalSetting(models) };
  const adapter = trained(agent);
  if (agent === "answerer") return answerTask(dialogues, { policy, adapter, reward, evidenceWeight: evidence });
  const frozen = answerer.adapter === undefined ? {} : { answerer: answerer.adapter };
  const task: ManagerTaskOptions = { policy, adapter, reward, ...frozen };
  return form === "decisions"
    ? managerDecisionTask(dialogues, { ...task, creditWeight: credit })
    : managerDialogueTask(dialogues, task);
}
