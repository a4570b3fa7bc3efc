import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { RetrievedMemory } from "../../trace/episode.js";
import { oneLine } from "../text.js";
import { describeDecision, describeQuestion, describeTurn, type MemoryPrompts } from "./prompts.js";

/**
 * Prompts without instructions, for models that were trained on these formats.
 *
 * A small model finds a memory by quoting it: it continues from the words that the fact or the question makes it begin
 * with. What it needs next therefore follows the text: for a manager the alias that names the memory, for an answerer the
 * time, which may be the answer.
 */
export const compactPrompts: MemoryPrompts = {
  extract: (turn) => [new SystemMessage("extract"), new HumanMessage(describeTurn(turn))],
  manage: (input) => [
    new SystemMessage("manage"),
    new HumanMessage(describeDecision(input, (memory) => `(${oneLine(memory.time)}) ${quotedByManager(memory)}`)),
  ],
  answer: (input) => [new SystemMessage("answer"), new HumanMessage(describeQuestion(input, quotedByAnswerer))],
};

/** `{text} {alias}`, as a manager's operations quote it under `near`. */
export function quotedByManager({ alias, text }: Pick<RetrievedMemory, "alias" | "text">): string {
  return `${oneLine(text)} ${alias}`;
}

/** `{text} ({time}) {alias}`, as an answerer quotes it before its answer. */
export function quotedByAnswerer({ alias, time, text }: RetrievedMemory): string {
  return `${oneLine(text)} (${oneLine(time)}) ${alias}`;
}
