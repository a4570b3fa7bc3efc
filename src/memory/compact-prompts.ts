import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { describeDecision, describeQuestion, describeTurn, type MemoryPrompts } from "./prompts.js";
import { oneLine } from "./text.js";

/** Prompts without instructions, for models that were trained to the formats. */
export const compactPrompts: MemoryPrompts = {
  extract: (turn) => [new SystemMessage("extract"), new HumanMessage(describeTurn(turn))],
  manage: (input) => [new SystemMessage("manage"), new HumanMessage(describeDecision(input))],
  // The question stands before the memories too: a small model can then weigh each memory as it reads it.
  answer: (input) => [
    new SystemMessage("answer"),
    new HumanMessage(`Question: ${oneLine(input.question)}\n${describeQuestion(input)}`),
  ],
};
