import { dirname, join } from "node:path";
import type { Dialogue } from "../evaluate/dialogue.js";
import { readEpisodes } from "../trace/read.js";
import type { Task } from "../train/rollout.js";
import { type FoundCheckpoint, findCheckpoint, latestCheckpoint } from "../train/run/checkpoint.js";
import type { Settings } from "../train/run/manifest.js";
import { flat } from "../train/run/run-settings.js";
import { writeAdapterRetrieval } from "../train/tasks/adapter-retrieval.js";
import { answerTask } from "../train/tasks/answer-task.js";
import { readTrainedOn, writeTrainedOn } from "../train/tasks/conversations.js";
import { recordedDialogues } from "../train/tasks/links.js";
import { managerDecisionTask } from "../train/tasks/manager-decision-task.js";
import type { Progress, TrainOptions } from "../train/train-options.js";
import { train } from "../train/trainer.js";
import { type Agent, bankRounds, policyOf, questionsOf, type RecipeContext, type RecipeOptions } from "./context.js";
import { readFacts } from "./facts-stage.js";
import { readPieceSeconds, writePieceSeconds } from "./piece-seconds.js";
import { EPISODES, VALIDATION_BANKS } from "./record-stage.js";
import { adapterFolder, type Stage, type StageOutcome, type StageRun } from "./stage.js";
import { FACTS } from "./stage-names.js";
import {
  bestOf,
  CHOSEN,
  keepBest,
  readValidation,
  VALIDATION,
  type ValidatedAgents,
  validate,
  writeValidation,
} from "./validation.js";

export interface TrainingStageOptions {
  readonly name: string;
  readonly agent: Agent;
  /** Stage whose episodes are learned from. */
  readonly episodes: string;
  /** Stage whose adapter the other agent has, which is frozen; the base model where absent. */
  readonly frozen?: string | undefined;
  /** Stage whose chosen checkpoint is trained on; from a new adapter where absent. */
  readonly start?: string | undefined;
  readonly steps: number;
  /** Of each step of the stage, whatever pieces it is trained in. */
  readonly onStep?: (label: string, progress: Progress) => void;
}

const OTHER = { answerer: "manager", manager: "answerer" } as const;

/**
 * Trains one agent in pieces of `checkpointEvery` steps; after each the validation conversations are answered. The checkpoint with the best F1,
 * that of the stage which it goes on from among them, becomes the stage's adapter. What was stopped in the middle goes on from the last checkpoint, to the same bytes.
 */
export function trainingStage(context: RecipeContext, common: Settings, stage: TrainingStageOptions): Stage {
  const { data, options } = context;
  const { name, agent, episodes, frozen, start, steps } = stage;
  const { validation } = data;
  const pieces = Math.ceil(steps / options.checkpointEvery);
  // An answerer is validated on the recorded manager's banks; a manager's checkpoints and its starting point build their own.
  const builds = agent === "manager" ? pieces + (start === undefined ? 0 : 1) : 0;
  return {
    name,
    what: `train the ${agent}, ${steps} steps, ${pieces} checkpoints validated`,
    needs: [...new Set([FACTS, episodes, frozen, start].filter((one) => one !== undefined))],
    settings: { ...common, ...trainingSettings(context, stage) },
    work: {
      [`${agent}-step`]: steps,
      answer: questionsOf(validation) * (pieces + 1),
      decision: builds * bankRounds(context, validation),
    },
    run: (run) => new TrainingRun(context, stage, run).finish(),
  };
}

function trainingSettings({ options }: RecipeContext, { agent, steps }: TrainingStageOptions): Settings {
  const { batchSize, groupSize, temperature, lora, algorithm, checkpointEvery, facts } = options;
  const own = { agent, steps, checkpointEvery, facts, ...rewardOf(agent, options) };
  return flat({ ...own, batchSize, groupSize, temperature, lora, algorithm });
}

/** What an agent is rewarded by: a manager's operations may be credited, an answerer's naming of memories may earn something. */
const rewardOf = (agent: Agent, { reward, credit, evidence }: RecipeOptions) =>
  agent === "manager" ? { reward, credit } : { reward, ...(evidence === 0 ? {} : { evidence }) };

/** The task of an agent on what a stage recorded. `frozen` names the adapter of the answerer that rewards a manager. */
export function recipeTask(
  context: RecipeContext,
  agent: Agent,
  episodes: string,
  adapter: string,
  frozen?: string,
): Task {
  const dialogues = recordedDialogues(readEpisodes(episodes));
  const { reward, credit, evidence } = context.options;
  const common = { policy: policyOf(context), adapter, reward };
  if (agent === "answerer") return answerTask(dialogues, { ...common, evidenceWeight: evidence });
  return managerDecisionTask(dialogues, {
    ...common,
    creditWeight: credit,
    ...(frozen === undefined ? {} : { answerer: frozen }),
  });
}

/** One call of a training stage. */
class TrainingRun {
  private readonly adapter: string;
  private readonly out: string;
  /** Of each training step of this call, with its rollouts. */
  private readonly seconds: number[] = [];
  /** The other stage's checkpoint that it begins with. */
  private fork: FoundCheckpoint | undefined;

  constructor(
    private readonly context: RecipeContext,
    private readonly stage: TrainingStageOptions,
    private readonly run: StageRun,
  ) {
    this.adapter = `${stage.name}-in-training`;
    this.out = join(run.folder, "run");
  }

  async finish(): Promise<StageOutcome> {
    const { context, stage, run } = this;
    const { agent, episodes, frozen, start, steps } = stage;
    const dialogues = (await readFacts(run.input(FACTS))).validation;
    if (frozen !== undefined) await context.engine.loadAdapter(frozen, adapterFolder(run.input(frozen)));
    const recorded = join(run.input(episodes), EPISODES);
    const task = recipeTask(context, agent, recorded, this.adapter, frozen);
    const fork = start === undefined ? undefined : await chosenCheckpoint(run.input(start));
    this.fork = fork;
    const first = fork?.step ?? 0;
    let done = await latestCheckpoint(this.out);
    const last = done ?? fork;
    if (last !== undefined) await this.restore(last.folder);
    await this.judge(dialogues, last?.step ?? 0, last !== undefined, done !== undefined);
    for (let step = done?.step ?? first; step < first + steps; ) {
      run.signal.throwIfAborted();
      const next = Math.min(first + steps, step + context.options.checkpointEvery);
      const from = done !== undefined || fork === undefined ? {} : { fork: fork.folder };
      const before = this.seconds.length;
      await train({ ...this.options(task, next, first + steps, done !== undefined), ...from });
      await writePieceSeconds(this.out, next, sum(this.seconds.slice(before)));
      await this.judge(dialogues, next, true, true);
      done = await latestCheckpoint(this.out);
      step = next;
    }
    return this.choose();
  }

  /** @param steps where this piece ends, as the stage does at `all`. */
  private options(task: Task, steps: number, all: number, resume: boolean): TrainOptions {
    const { engine, options, tensorboard } = this.context;
    const { seed, lora, algorithm, batchSize, groupSize, temperature, stopOnAlarm } = options;
    return {
      engine,
      adapter: this.adapter,
      lora: { ...lora, seed },
      task,
      steps,
      batchSize,
      groupSize,
      temperature,
      seed,
      algorithm,
      settings: rewardOf(this.stage.agent, options),
      stopOnAlarm,
      out: this.out,
      // Only where this piece ends.
      checkpointEvery: Number.POSITIVE_INFINITY,
      resume,
      ...(tensorboard === undefined ? {} : { tensorboard }),
      onStep: (progress) => {
        this.seconds.push(progress.seconds.rollout + progress.seconds.update);
        this.stage.onStep?.(this.stage.name, { ...progress, steps: all });
        // What was learned since the last checkpoint is learned again when the stage goes on.
        if (progress.step < steps) this.run.signal.throwIfAborted();
      },
    };
  }

  private async restore(checkpoint: string): Promise<void> {
    const { engine, options } = this.context;
    await engine.createAdapter(this.adapter, { ...options.lora, seed: options.seed });
    await engine.loadTraining(this.adapter, checkpoint);
  }

  /** Validates the adapter as it is, unless that was done, and keeps the best checkpoint. A new adapter is the base model. */
  private async judge(
    dialogues: readonly Dialogue[],
    step: number,
    adapted: boolean,
    candidate: boolean,
  ): Promise<void> {
    const { context, stage, run } = this;
    const { agent, episodes, frozen, name } = stage;
    const known = await readValidation(run.folder);
    if (!known.some((one) => one.step === step && one.candidate === candidate)) {
      const before = known.at(-1)?.trainingSeconds ?? 0;
      const trainingSeconds = before + (await readPieceSeconds(this.out, step));
      const own = adapted ? { [agent]: this.adapter } : {};
      const agents: ValidatedAgents = { ...(frozen === undefined ? {} : { [OTHER[agent]]: frozen }), ...own };
      const label = `step ${step}`;
      const log = agent === "manager" ? label : "answers";
      const recorded = agent === "answerer" || !adapted;
      const banks = recorded ? join(run.input(episodes), VALIDATION_BANKS) : undefined;
      const scores = await validate(context, dialogues, agents, label, log, banks, run);
      known.push({ step, candidate, ...scores, trainingSeconds });
      await writeValidation(run.folder, known);
      const what = candidate ? label : "before training";
      run.print(`${name}: validation F1 ${(100 * scores.f1).toFixed(1)} ${what}, ${scores.questions} questions`);
    }
    const best = bestOf(known);
    if (best !== undefined) {
      await keepBest(run.folder, best.candidate ? this.out : dirname(this.fork!.folder), best.step);
    }
  }

  private async choose(): Promise<StageOutcome> {
    const { context, stage, run, seconds } = this;
    const best = bestOf(await readValidation(run.folder))!;
    const chosen = join(run.folder, CHOSEN, `checkpoint-${best.step}`);
    const adapter = adapterFolder(run.folder);
    await this.restore(chosen);
    await context.engine.saveAdapter(this.adapter, adapter);
    await writeTrainedOn(adapter, await readTrainedOn(chosen));
    await writeAdapterRetrieval(adapter, context.retrieval);
    run.print(
      `${stage.name}: the checkpoint of step ${best.step} is chosen, validation F1 ${(100 * best.f1).toFixed(1)}`,
    );
    // The first step of a call compiles its graphs.
    const typical = seconds.length > 1 ? seconds.slice(1) : seconds;
    const total = { count: typical.length, seconds: sum(typical) };
    const measured = typical.length === 0 ? {} : { [`${stage.agent}-step`]: total };
    return { outputs: ["adapter", CHOSEN, VALIDATION], measured };
  }
}

const sum = (seconds: readonly number[]): number => seconds.reduce((all, one) => all + one, 0);

/** The checkpoint that a stage chose. */
const chosenCheckpoint = (folder: string): Promise<FoundCheckpoint> => findCheckpoint(join(folder, CHOSEN));
