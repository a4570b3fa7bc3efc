import type { BaseMessage } from "@langchain/core/messages";
import type { RetrievedMemory } from "../trace/episode.js";
import { factText } from "./facts.js";
import type { KnownMemory } from "./naive.js";

export type SftRole = "extractor" | "manager" | "answerer";

/** One prompt and the response that supervised training teaches. */
export interface SftExample {
  readonly role: SftRole;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly response: string;
}

const roles: Readonly<Record<string, string>> = { human: "user", ai: "assistant" };

export function chatMessages(messages: readonly BaseMessage[]): SftExample["messages"] {
  return messages.map((message) => ({ role: roles[message.type] ?? message.type, content: message.text }));
}

/** Memories under the aliases "m1", "m2", … in the given order. */
export function retrieved(memories: readonly KnownMemory[]): RetrievedMemory[] {
  return memories.map(({ fact, time, source, order }, i) => ({
    alias: `m${i + 1}`,
    key: `k${i + 1}`,
    text: factText(fact),
    speaker: fact.speaker,
    time,
    source,
    order,
  }));
}
