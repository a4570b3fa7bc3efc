import type { Embeddings } from "@langchain/core/embeddings";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { MemoryBank } from "../memory/bank.js";
import { addOnly, noop } from "../memory/controls.js";
import { applyDecision, buildManagerPrompt, stepKeys } from "../memory/decision.js";
import type { MemoryPrompts } from "../memory/prompts.js";
import { retrieveForManager } from "../memory/retrieve.js";
import type { RetrievedMemory } from "../trace/episode.js";
import { memoryStore } from "./compare.js";
import { mapConcurrently } from "./concurrent.js";
import type { Dialogue, DialogueTurn } from "./dialogue.js";
import type { EvaluationLog, StepLine } from "./evaluation-log.js";
import type { PlayProgress } from "./play.js";
import type { ManagerKind } from "./rows.js";
import { askCounted, type CountedReply } from "./usage.js";

/** What a manager did with one turn. */
export type BankStep = Pick<StepLine, "operations" | "changes" | "unparsable" | "tooLong" | "usage"> & {
  readonly turn: DialogueTurn;
  /** Whether a model decided. */
  readonly decided: boolean;
};

/** The life of one conversation's bank: a step for each turn that had facts. */
export interface BuiltBank {
  readonly dialogue: Dialogue;
  readonly steps: readonly BankStep[];
}

export interface BuildOptions {
  readonly prompts: MemoryPrompts;
  readonly embeddings: Embeddings;
  readonly log: EvaluationLog;
  /** Conversations at once. */
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PlayProgress) => void;
}

interface Life {
  readonly dialogue: Dialogue;
  readonly bank: MemoryBank;
  /** Turns with facts that are still to be decided, and all with their places. */
  readonly turns: readonly { readonly turn: DialogueTurn; readonly order: number }[];
  readonly steps: BankStep[];
}

/** Banks by a control, which decides without a model. */
export async function controlBanks(
  dialogues: readonly Dialogue[],
  kind: "add-only" | "noop",
  embeddings: Embeddings,
): Promise<BuiltBank[]> {
  const decide = kind === "add-only" ? addOnly : noop;
  return Promise.all(
    dialogues.map(async (dialogue) => {
      const life = await newLife(dialogue, embeddings);
      for (const { turn, order } of life.turns) {
        const operations = [...decide({ turn, facts: turn.facts ?? [], retrieved: [] })];
        const changes = await life.bank.apply(operations, [], turn, { order, key: stepKeys(turn.id) });
        life.steps.push({ turn, operations, changes, unparsable: null, tooLong: false, ...undecided });
      }
      return { dialogue, steps: life.steps };
    }),
  );
}

const undecided = { decided: false, usage: { calls: 0, inputTokens: 0, outputTokens: 0 } } as const;

/**
 * Banks by a model, of several conversations side by side: in each round every conversation's next decision is prepared, and then all of
 * them are asked together, so that a model that batches gets whole batches. What the log has is not asked again.
 */
export async function buildBanks(
  dialogues: readonly Dialogue[],
  manager: BaseChatModel,
  kind: Extract<ManagerKind, "base" | "trained">,
  { prompts, embeddings, log, concurrency, signal, onProgress }: BuildOptions,
): Promise<BuiltBank[]> {
  const lives = await Promise.all(dialogues.map((dialogue) => newLife(dialogue, embeddings)));
  const total = lives.reduce((sum, { turns }) => sum + turns.length, 0);
  for (const life of lives) await restore(life, kind, log);
  let done = lives.reduce((sum, { steps }) => sum + steps.length, 0);
  onProgress?.({ done, total });
  const waiting = lives.filter(isOpen);
  let active = waiting.splice(0, concurrency);
  while (active.length > 0) {
    signal?.throwIfAborted();
    const prepared = await Promise.all(active.map((life) => prepare(life, prompts)));
    const write = async (made: Prepared, reply: CountedReply): Promise<void> => {
      log.append(await apply(made, reply, kind));
      onProgress?.({ done: ++done, total });
    };
    await mapConcurrently(prepared, prepared.length, async (made) =>
      write(made, await askCounted(manager, made.messages)),
    );
    active = active.filter(isOpen);
    active.push(...waiting.splice(0, concurrency - active.length));
  }
  return lives.map(({ dialogue, steps }) => ({ dialogue, steps }));
}

async function newLife(dialogue: Dialogue, embeddings: Embeddings): Promise<Life> {
  const bank = new MemoryBank({ store: await memoryStore(embeddings), namespace: ["bank"] });
  const turns = dialogue.turns
    .map((turn, order) => ({ turn, order }))
    .filter(({ turn: { facts = [] } }) => facts.length > 0);
  return { dialogue, bank, turns, steps: [] };
}

const isOpen = ({ turns, steps }: Life): boolean => steps.length < turns.length;

async function restore({ dialogue, bank, turns, steps }: Life, kind: StepLine["manager"], log: EvaluationLog) {
  for (const { turn } of turns) {
    const known = log.step(kind, dialogue.id, turn.id);
    if (known === undefined) return;
    await bank.write(known.changes);
    steps.push(stepOf(turn, known));
  }
}

interface Prepared extends Awaited<ReturnType<typeof prepare>> {}

async function prepare(life: Life, prompts: MemoryPrompts) {
  const { turn, order } = life.turns[life.steps.length]!;
  const retrieved: RetrievedMemory[] = await retrieveForManager(life.bank, turn.facts!, turn);
  return {
    life,
    turn,
    order,
    retrieved,
    messages: buildManagerPrompt(prompts, { turn, facts: turn.facts!, retrieved }),
  };
}

async function apply(
  { life, turn, order, retrieved }: Prepared,
  { text, usage }: CountedReply,
  manager: StepLine["manager"],
): Promise<StepLine> {
  const options = { order, key: stepKeys(turn.id) };
  const applied =
    text === null
      ? { operations: [], changes: [], unparsable: null }
      : await applyDecision(life.bank, text, retrieved, turn, options);
  const line: StepLine = {
    type: "step",
    manager,
    conversation: life.dialogue.id,
    turn: turn.id,
    operations: [...applied.operations],
    changes: [...applied.changes],
    unparsable: applied.unparsable,
    tooLong: text === null,
    usage,
  };
  life.steps.push(stepOf(turn, line));
  return line;
}

const stepOf = (turn: DialogueTurn, { operations, changes, unparsable, tooLong, usage }: StepLine): BankStep => ({
  turn,
  operations,
  changes,
  unparsable,
  tooLong,
  usage,
  decided: true,
});
