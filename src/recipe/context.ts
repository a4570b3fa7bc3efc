import type { Embeddings } from "@langchain/core/embeddings";
import { type Dialogue, type DialogueTurn, SPEAKERS } from "../evaluate/dialogue.js";
import type { FactSource } from "../evaluate/fact-source.js";
import { hashText, hashWeights } from "../hash.js";
import { promptStyle } from "../memory/prompts/prompt-style.js";
import type { MemoryPrompts } from "../memory/prompts/prompts.js";
import { ChatOnnx } from "../model/chat/chat-onnx.js";
import type { PolicyEngine } from "../model/engine/engine.js";
import { deviceKind } from "../onnx/device.js";
import type { RewardName } from "../reward/rewards.js";
import type { RetrievalSetting } from "../trace/episode.js";
import type { PolicyOptions } from "../train/algorithm/policy-options.js";
import type { RolloutContext } from "../train/rollout-context.js";
import type { Settings } from "../train/run/manifest.js";

export const agents = ["answerer", "manager"] as const;
export type Agent = (typeof agents)[number];

export const splits = ["train", "validation", "test"] as const;
export type Splits = Readonly<Record<(typeof splits)[number], readonly Dialogue[]>>;

export interface RecipeOptions {
  readonly seed: number;
  /** Where the facts of turns come from. */
  readonly facts: FactSource;
  readonly reward: RewardName;
  /** Weight of each operation's own credit in the manager's reward; 0 is none. */
  readonly credit: number;
  /** What naming the memories that hold the evidence adds to the answerer's reward; 0 is none. */
  readonly evidence: number;
  readonly algorithm: PolicyOptions;
  readonly lora: { readonly rank: number; readonly alpha: number };
  readonly batchSize: number;
  readonly groupSize: number;
  /** Of the attempts in training; all else is greedy. */
  readonly temperature: number;
  /** Training steps: of the answerer on the untrained manager's banks, of the manager, and of the answerer on the trained manager's. */
  readonly steps: { readonly answerer: number; readonly manager: number; readonly final: number };
  /** Steps between checkpoints, each of which is validated. */
  readonly checkpointEvery: number;
  /** Ends a training at its first alarm. */
  readonly stopOnAlarm: boolean;
  /** Agents that begin with SFT on their own successful attempts. */
  readonly warmStart: readonly Agent[];
  readonly warmSteps: number;
  /** Conversations at once; eight times as many questions. */
  readonly concurrency: number;
}

/** What all stages of a recipe work with. */
export interface RecipeContext {
  readonly engine: PolicyEngine;
  /** The model without an adapter, greedy. */
  readonly base: ChatOnnx;
  readonly prompts: MemoryPrompts;
  readonly embeddings: Embeddings;
  /** SHA-256 of the weights that embed; null where words are compared. */
  readonly encoder: string | null;
  readonly retrieval: RetrievalSetting;
  readonly data: Splits;
  readonly options: RecipeOptions;
  /** Training writes TensorBoard's event files too; `now` gives milliseconds since 1970. */
  readonly tensorboard?: { readonly now: () => number };
}

/** What every stage's output follows from. */
export async function commonSettings({
  engine,
  base,
  prompts,
  encoder,
  retrieval,
  options,
}: RecipeContext): Promise<Settings> {
  const { architecture, device, precision, folder } = engine.info;
  return {
    "model.architecture": architecture,
    "model.weights": await hashWeights(folder),
    "model.device": deviceKind(device),
    "model.precision": precision,
    prompts: promptStyle(prompts),
    maxNewTokens: base.sampling.maxNewTokens,
    seed: options.seed,
    ...(encoder === null ? {} : { encoder }),
    ...retrieval,
  };
}

/** By conversation: an id beside a hash of all that the dialogues hold. */
export function dataSettings(data: Splits): Settings {
  return Object.fromEntries(
    splits.flatMap((split) => [
      [`data.${split}`, data[split].map(({ id }) => id).join(" ")],
      [`data.${split}.hash`, hashText(JSON.stringify(data[split]))],
    ]),
  );
}

/** The greedy model with an adapter that the engine has; the base without one. */
export function chat({ engine, base }: RecipeContext, adapter?: string): ChatOnnx {
  if (adapter === undefined) return base;
  return new ChatOnnx({ ...base.sampling, engine, tokenizer: base.tokenizer, adapter });
}

export function policyOf({ engine, base, prompts, embeddings, retrieval }: RecipeContext): RolloutContext {
  const { tokenizer, sampling } = base;
  return { engine, tokenizer, prompts, embeddings, maxNewTokens: sampling.maxNewTokens, ...retrieval };
}

export const turnsOf = (dialogues: readonly Dialogue[]): number =>
  dialogues.reduce((sum, { turns }) => sum + turns.length, 0);

export const questionsOf = (dialogues: readonly Dialogue[]): number =>
  dialogues.reduce((sum, { questions }) => sum + questions.length, 0);

type Batching = Pick<RecipeContext, "engine" | "options">;

/** Whether decisions that are made together take about as long as one; on a CPU they take nearly as long as one by one. */
export const batches = ({ engine }: Pick<Batching, "engine">): boolean => engine.info.device !== "cpu";

/** Rounds in which conversations are played: turn by turn, several side by side. Turns that may have facts count. */
export function playRounds(context: Batching, dialogues: readonly Dialogue[]): number {
  return roundsOf(
    dialogues.map(({ turns }) => turns.filter(mayHaveFacts).length),
    batches(context) ? context.options.concurrency : 1,
  );
}

/** Rounds in which banks are built: those of a conversation's speakers go side by side too. */
export function bankRounds(context: Batching, dialogues: readonly Dialogue[]): number {
  const lives = dialogues.flatMap(({ speakers, turns }) =>
    speakers.map((speaker) => turns.filter((turn) => turn.speaker === speaker && mayHaveFacts(turn)).length),
  );
  return roundsOf(lives, batches(context) ? context.options.concurrency * SPEAKERS : 1);
}

/** Which turns have none is not known before the model has looked for them. */
export const mayHaveFacts = ({ facts }: DialogueTurn): boolean => facts === undefined || facts.length > 0;

function roundsOf(lengths: readonly number[], concurrency: number): number {
  const all = lengths.reduce((sum, length) => sum + length, 0);
  return Math.max(0, ...lengths, Math.ceil(all / concurrency));
}
