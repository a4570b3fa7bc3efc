import type { BaseMessage } from "@langchain/core/messages";
import { FileError, UsageError } from "../errors.js";
import type { MemoryPrompts } from "../memory/prompts/prompts.js";
import type { EpisodeEvent, ModelCall, RetrievedMemory } from "../trace/episode.js";
import { type ChatMessage, renderMessages } from "../trace/render.js";
import { bankBefore, type Decision, type RebuiltBank } from "./replay.js";

export interface RebuildOptions {
  /** The prompts with which the episode was recorded. */
  readonly prompts: MemoryPrompts;
  /** Returns the token ids of a whole prompt, for example by chat template and tokenizer. */
  readonly encode?: (messages: readonly ChatMessage[]) => readonly number[];
}

export interface RebuiltPrompt {
  readonly decision: Decision;
  readonly messages: readonly ChatMessage[];
  /** Equal to the recorded ones; absent without `encode`. */
  readonly promptIds?: readonly number[];
}

/**
 * Renders the prompt of a recorded manager or answerer call again, from the bank as it was at that call. Memories of
 * shared namespaces are taken from the record, because their histories need not be in this episode.
 * @throws FileError if any message differs from the recorded prompt, or any token with `encode`.
 */
export async function rebuildPrompt(
  events: readonly EpisodeEvent[],
  callId: string,
  { prompts, encode }: RebuildOptions,
): Promise<RebuiltPrompt> {
  const call = events.find((event): event is ModelCall => event.type === "model_call" && event.id === callId);
  if (call === undefined) {
    throw new UsageError({
      what: "no model call has this id",
      found: callId,
      remedy: "take the id from the same episode file",
    });
  }
  const rebuilt = await bankBefore(events, callId);
  const messages = renderMessages(await promptOf(rebuilt, prompts));
  if (JSON.stringify(messages) !== JSON.stringify(call.messages)) {
    throw mismatch(callId, "messages", difference(messages, call.messages));
  }
  const { decision } = rebuilt;
  if (encode === undefined) {
    return { decision, messages };
  }
  if (call.promptIds === undefined) {
    throw new UsageError({
      what: "the model reported no prompt token ids",
      where: `model call ${callId}`,
      remedy: "record with a model that reports them (ChatOnnx), or rebuild without `encode`",
    });
  }
  const promptIds = encode(messages);
  const at = firstDifference(promptIds, call.promptIds);
  if (at !== -1) {
    const [rebuiltId, recordedId] = [promptIds[at], call.promptIds[at]];
    throw mismatch(callId, "token ids", { at: `token ${at}`, rebuilt: `${rebuiltId}`, recorded: `${recordedId}` });
  }
  return { decision, messages, promptIds };
}

/** The prompt of a decision over the bank's own values: of what was recorded of its memories, only keys and their order are taken. */
async function promptOf({ decision, bank }: RebuiltBank, prompts: MemoryPrompts): Promise<BaseMessage[]> {
  const values = new Map((await bank.list()).map(({ key, value }) => [key, value]));
  const retrieved = decision.retrieved.map((memory): RetrievedMemory => {
    const { key, alias, namespace: shared } = memory;
    return shared === undefined ? { key, alias, ...values.get(key)! } : memory;
  });
  return decision.type === "answer"
    ? prompts.answer({ question: decision.question.text, retrieved })
    : prompts.manage({ turn: decision.turn, facts: decision.facts, retrieved });
}

interface Difference {
  readonly at: string;
  readonly rebuilt: string;
  readonly recorded: string;
}

function mismatch(callId: string, what: string, { at, rebuilt, recorded }: Difference): FileError {
  return new FileError({
    what: `the rebuilt prompt has other ${what} than the recorded one`,
    where: `model call ${callId}, ${at}`,
    expected: recorded,
    found: rebuilt,
    remedy: "rebuild with the prompts, the tokenizer and the version of the package that recorded the episode",
  });
}

function difference(rebuilt: readonly ChatMessage[], recorded: readonly ChatMessage[]): Difference {
  const message = rebuilt.findIndex((own, index) => JSON.stringify(own) !== JSON.stringify(recorded[index]));
  const at = message === -1 ? rebuilt.length : message;
  const show = (of: ChatMessage | undefined) => (of === undefined ? "no message" : JSON.stringify(of).slice(0, 200));
  return { at: `message ${at}`, rebuilt: show(rebuilt[at]), recorded: show(recorded[at]) };
}

/** Index of the first element in which two lists differ; -1 when they are equal. */
function firstDifference(a: readonly number[], b: readonly number[]): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) {
      return i;
    }
  }
  return -1;
}
