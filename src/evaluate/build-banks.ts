import type { Embeddings } from "@langchain/core/embeddings";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { MemoryBank } from "../memory/bank/bank.js";
import { type ManagerRetrieval, retrieveForManager } from "../memory/bank/retrieve.js";
import { stepKeys } from "../memory/bank/step-keys.js";
import { addOnly, noop } from "../memory/controls.js";
import { applyDecision, buildManagerPrompt } from "../memory/decision.js";
import type { MemoryPrompts } from "../memory/prompts/prompts.js";
import { rankedMemoryStore } from "../store/ranked-memory-store.js";
import type { RetrievalSetting, RetrievedMemory } from "../trace/episode.js";
import { mapConcurrently } from "./concurrent.js";
import { type Dialogue, type DialogueTurn, SPEAKERS } from "./dialogue.js";
import type { EvaluationLog, StepLine } from "./evaluation-log.js";
import type { PlayProgress } from "./progress.js";
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
  readonly retrieval: Pick<RetrievalSetting, "search" | "words">;
  readonly log: EvaluationLog;
  /** Conversations at once. */
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PlayProgress) => void;
}

/** A turn with facts, and its place in the dialogue. */
interface Told {
  readonly turn: DialogueTurn;
  readonly order: number;
}

/** A bank that grows by these turns' decisions, one after the other. */
interface Life {
  readonly dialogue: Dialogue;
  readonly bank: MemoryBank;
  readonly turns: readonly Told[];
  /** Of the first turns, as far as they are decided. */
  readonly steps: BankStep[];
}

/** Banks by a control, which decides without a model. */
export async function controlBanks(
  dialogues: readonly Dialogue[],
  kind: "add-only" | "noop",
  embeddings: Embeddings,
  words: boolean | undefined,
): Promise<BuiltBank[]> {
  const decide = kind === "add-only" ? addOnly : noop;
  return Promise.all(
    dialogues.map(async (dialogue) => {
      const life = await newLife(dialogue, told(dialogue), embeddings);
      for (const { turn, order } of life.turns) {
        const operations = [...decide({ turn, facts: turn.facts ?? [], retrieved: [] })];
        const changes = await life.bank.apply(operations, [], turn, { order, key: stepKeys(turn.id), words });
        life.steps.push({ turn, operations, changes, unparsable: null, tooLong: false, ...undecided });
      }
      return { dialogue, steps: life.steps };
    }),
  );
}

const undecided = { decided: false, usage: { calls: 0, inputTokens: 0, outputTokens: 0 } } as const;

/**
 * Banks by a model, several side by side: in each round the next decision of every bank is prepared, and then all of them are asked together,
 * so that a model that batches gets whole batches. A decision sees memories of its turn's speaker alone, so that those of a dialogue's speakers
 * go side by side too. What the log has is not asked again.
 */
export async function buildBanks(
  dialogues: readonly Dialogue[],
  manager: BaseChatModel,
  kind: Extract<ManagerKind, "base" | "trained">,
  { prompts, embeddings, retrieval: { search, words }, log, concurrency, signal, onProgress }: BuildOptions,
): Promise<BuiltBank[]> {
  const lives = await Promise.all(
    dialogues.flatMap((dialogue) => bySpeaker(told(dialogue)).map((turns) => newLife(dialogue, turns, embeddings))),
  );
  const total = lives.reduce((sum, { turns }) => sum + turns.length, 0);
  for (const life of lives) await restore(life, kind, log);
  let done = lives.reduce((sum, { steps }) => sum + steps.length, 0);
  onProgress?.({ done, total });
  const waiting = lives.filter(isOpen);
  const most = concurrency * SPEAKERS;
  let active = waiting.splice(0, most);
  while (active.length > 0) {
    signal?.throwIfAborted();
    const prepared = await Promise.all(active.map((life) => prepare(life, prompts, search)));
    const write = async (made: Prepared, reply: CountedReply): Promise<void> => {
      log.append(await apply(made, reply, kind, words));
      onProgress?.({ done: ++done, total });
    };
    await mapConcurrently(prepared, prepared.length, async (made) =>
      write(made, await askCounted(manager, made.messages)),
    );
    active = active.filter(isOpen);
    active.push(...waiting.splice(0, most - active.length));
  }
  return dialogues.map((dialogue) => {
    const own = lives.filter((life) => life.dialogue === dialogue).flatMap(({ steps }) => steps);
    const steps = new Map(own.map((step) => [step.turn.id, step]));
    return { dialogue, steps: told(dialogue).map(({ turn }) => steps.get(turn.id)!) };
  });
}

function told({ turns }: Dialogue): Told[] {
  return turns.map((turn, order) => ({ turn, order })).filter(({ turn: { facts = [] } }) => facts.length > 0);
}

function bySpeaker(turns: readonly Told[]): Told[][] {
  const speakers = new Set(turns.map(({ turn }) => turn.speaker));
  return [...speakers].map((speaker) => turns.filter(({ turn }) => turn.speaker === speaker));
}

async function newLife(dialogue: Dialogue, turns: readonly Told[], embeddings: Embeddings): Promise<Life> {
  const bank = new MemoryBank({
    store: await rankedMemoryStore({ embeddings, fields: ["text"] }),
    namespace: ["bank"],
  });
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

async function prepare(life: Life, prompts: MemoryPrompts, search: ManagerRetrieval["search"]) {
  const { turn, order } = life.turns[life.steps.length]!;
  const retrieved: RetrievedMemory[] = await retrieveForManager(life.bank, turn.facts!, turn, { search });
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
  words: boolean | undefined,
): Promise<StepLine> {
  const options = { order, key: stepKeys(turn.id), facts: turn.facts!, words };
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
