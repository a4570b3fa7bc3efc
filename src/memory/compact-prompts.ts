import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { describeDecision, describeQuestion, describeTurn, type MemoryPrompts, quotableMemory } from "./prompts.js";

/** Prompts without instructions, for models that were trained to the formats. */
export const compactPrompts: MemoryPrompts = {
  extract: (turn) => [new SystemMessage("extract"), new HumanMessage(describeTurn(turn))],
  manage: (input) => [new SystemMessage("manage"), new HumanMessage(describeDecision(input))],
  // A small model finds a memory by quoting it: it copies on from the words that the question makes it begin with.
  answer: (input) => [new SystemMessage("answer"), new HumanMessage(describeQuestion(input, quotableMemory))],
};
