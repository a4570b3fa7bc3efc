import { type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { DialogueTurn } from "./dialogue.js";
import { turnLine } from "./turn-context.js";

const SYSTEM =
  "You answer questions about two people from memories of their conversation. Each memory has its date. Answer with the " +
  "shortest phrase that is exact, in the words of the memories; give dates as in '7 May 2023'. No explanation.";

/** Longest reply to the plain prompt, in tokens. */
export const PLAIN_TOKENS = 32;

/** Asks for a short phrase from raw turns, so that controls can be compared with what other tools measure: the whole reply is the answer. */
export function plainPrompt(question: string, turns: readonly DialogueTurn[]): BaseMessage[] {
  const memories = turns.map(turnLine).join("\n");
  return [
    new SystemMessage(SYSTEM),
    new HumanMessage(`Memories:\n${memories}\n\nQuestion: ${question}\nShort answer:`),
  ];
}
