import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { describeDecision, describeQuestion, describeTurn, type MemoryPrompts } from "./prompts.js";

/** Prompts without instructions, for models that were trained to the formats. */
export const compactPrompts: MemoryPrompts = {
  extract: (turn) => [new SystemMessage("extract"), new HumanMessage(describeTurn(turn))],
  manage: (input) => [new SystemMessage("manage"), new HumanMessage(describeDecision(input))],
  answer: (input) => [new SystemMessage("answer"), new HumanMessage(describeQuestion(input))],
};
