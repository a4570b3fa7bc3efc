import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseStore } from "@langchain/langgraph";
import { createAnswerAgent } from "../memory/answer.js";
import { MemoryBank } from "../memory/bank/bank.js";
import type { Operation } from "../memory/bank/operation.js";
import type { AnswerRetrieval } from "../memory/bank/retrieve.js";
import type { Decide } from "../memory/controls.js";
import { createMemoryManager, type ManagerOptions } from "../memory/manager.js";
import type { MemoryPrompts } from "../memory/prompts/prompts.js";
import type { TurnInput } from "../memory/state.js";
import { rewards } from "../reward/rewards.js";
import { namespaceLabel } from "../store/namespace.js";
import type { AnswerPayload, MemoryStepPayload, Question } from "../trace/episode.js";
import { namedMemories } from "../trace/named-memories.js";
import type { EpisodeRecorder } from "../trace/recorder.js";
import { mapConcurrently } from "./concurrent.js";
import type { Dialogue, DialogueTurn } from "./dialogue.js";
import { evidenceRecall } from "./evidence.js";
import type { PlayProgress } from "./progress.js";
import { type DialoguePart, type PartOptions, selectPart } from "./select-part.js";

/** Who plays a dialogue. */
export interface PlayAgents extends Pick<ManagerOptions, "memoriesPerFact" | "maxOperations">, AnswerRetrieval {
  /** Finds the facts of turns that come without; may be absent where all come with them. */
  readonly extractor?: BaseChatModel;
  /** A model, or a control such as `addOnly`. */
  readonly manager: BaseChatModel | Decide;
  readonly answerer: BaseChatModel;
  /** Default: the instructed ones. */
  readonly prompts?: MemoryPrompts;
}

export interface PlayOptions extends PartOptions {
  readonly store: BaseStore;
  /** The bank of a dialogue; empty at the start. Default: `["dialogues", id]`. */
  readonly namespace?: (dialogue: Dialogue) => readonly string[];
  /** Records all that happens, and the rewards of the answers that have a gold one. */
  readonly recorder?: EpisodeRecorder;
  /** "given" takes a turn's own facts where it has them; "model" asks the extractor always. Default "given". */
  readonly facts?: "given" | "model";
  /** Dialogues under way at once, and questions of one dialogue at once. Default 8. */
  readonly concurrency?: number;
  /** Ends the play between steps: those under way are finished, written and recorded. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PlayProgress) => void;
}

export interface PlayedStep extends Omit<MemoryStepPayload, "operations"> {
  readonly operations: readonly Operation[];
}

export interface PlayedAnswer extends AnswerPayload {
  /** Share of the question's evidence among the turns that made the retrieved memories; null where none is known. */
  readonly evidenceRecall: number | null;
  /** The same of the memories that the answerer named as used. */
  readonly evidenceSelected: number | null;
}

export interface PlayedDialogue {
  readonly dialogue: Dialogue;
  readonly steps: readonly PlayedStep[];
  readonly answers: readonly PlayedAnswer[];
  /** Memories in the bank at the end. */
  readonly bankSize: number;
}

/** Rewards that are recorded with each answer. */
const RECORDED_REWARDS = ["exact-match", "f1"] as const;

/** Key of the run's config by which the graphs, compiled once, find the bank of each dialogue. */
const NAMESPACE_KEY = "memory_r1_namespace";

/**
 * Takes dialogues through the project's graphs, several at once, so that a model that batches gets batches. When one
 * fails, the others stop after their current step, and the failure is thrown.
 */
export async function playDialogues(
  dialogues: readonly Dialogue[],
  agents: PlayAgents,
  options: PlayOptions,
): Promise<PlayedDialogue[]> {
  const { concurrency = 8, signal, onProgress } = options;
  const graphs = compileGraphs(agents, options.store);
  const parts = dialogues.map((dialogue) => selectPart(dialogue, options));
  const total = parts.reduce((sum, { turns, questions }) => sum + turns.length + questions.length, 0);
  let done = 0;
  const play = { ...options, ...graphs, concurrency, step: () => onProgress?.({ done: ++done, total }) };
  onProgress?.({ done, total });
  return mapConcurrently(parts, concurrency, (part, _, stop) =>
    playPart(part, { ...play, stop: signal === undefined ? stop : AbortSignal.any([signal, stop]) }),
  );
}

type Play = Pick<PlayOptions, "store" | "namespace" | "recorder" | "facts"> &
  ReturnType<typeof compileGraphs> & {
    readonly concurrency: number;
    readonly stop: AbortSignal;
    readonly step: () => void;
  };

function compileGraphs({ extractor, manager, answerer, ...options }: PlayAgents, store: BaseStore) {
  const common = {
    ...options,
    store,
    namespace: ({ configurable }: { configurable?: Record<string, unknown> }) =>
      configurable?.[NAMESPACE_KEY] as readonly string[],
  };
  const decider = typeof manager === "function" ? { decide: manager } : { manager };
  return {
    manager: createMemoryManager({
      ...common,
      ...decider,
      ...(extractor === undefined ? {} : { extractor }),
    }).compile(),
    answerer: createAnswerAgent({ ...common, answerer }).compile(),
  };
}

async function playPart({ dialogue, turns, questions }: DialoguePart, play: Play): Promise<PlayedDialogue> {
  const namespace = play.namespace?.(dialogue) ?? ["dialogues", namespaceLabel(dialogue.id)];
  const config = {
    configurable: { thread_id: dialogue.id, [NAMESPACE_KEY]: namespace },
    ...(play.recorder === undefined ? {} : { callbacks: [play.recorder] }),
  };
  const steps: PlayedStep[] = [];
  const ask = (asked: readonly Question[]): Promise<PlayedAnswer[]> =>
    mapConcurrently(asked, play.concurrency, async (question): Promise<PlayedAnswer> => {
      play.stop.throwIfAborted();
      const { answer } = await play.answerer.invoke({ question, speakers: [...dialogue.speakers] }, config);
      reward(answer!, play.recorder);
      play.step();
      const selected = namedMemories(answer!.retrieved, answer!.selected);
      return {
        ...answer!,
        evidenceRecall: evidenceRecall(answer!, steps),
        evidenceSelected: evidenceRecall({ question, retrieved: selected }, steps),
      };
    });
  const answers: PlayedAnswer[] = [];
  for (const [order, turn] of turns.entries()) {
    play.stop.throwIfAborted();
    // Among all turns, as an evaluation counts them: a graph by itself counts those that left memories.
    const { step } = await play.manager.invoke({ turn: { ...turnInput(turn, play.facts), order } }, config);
    // What a manager decided has been parsed by the operations' schema.
    steps.push(step as PlayedStep);
    play.step();
    answers.push(...(await ask(questions.filter(({ after }) => after === turn.id))));
  }
  answers.push(...(await ask(questions.filter(({ after }) => after === undefined))));
  const bank = await new MemoryBank({ store: play.store, namespace }).list();
  return { dialogue, steps, answers, bankSize: bank.length };
}

function turnInput(
  { session: _, when: __, facts, ...turn }: DialogueTurn,
  source: PlayOptions["facts"] = "given",
): TurnInput {
  return source === "model" || facts === undefined ? turn : { ...turn, facts };
}

function reward({ id, question, answer }: AnswerPayload, recorder: EpisodeRecorder | undefined): void {
  const { gold, category } = question;
  if (recorder === undefined || gold === undefined) return;
  for (const name of RECORDED_REWARDS) recorder.reward({ of: id, name, value: rewards[name](answer, gold, category) });
}
