import type { BaseMessage } from "@langchain/core/messages";

/** A message as episodes keep it and chat templates take it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

const ROLES: Readonly<Record<string, string>> = { human: "user", ai: "assistant" };

/** LangChain messages under the role names of chat templates; content blocks other than text are left out. */
export function renderMessages(messages: readonly BaseMessage[]): ChatMessage[] {
  return messages.map((message) => ({ role: ROLES[message.type] ?? message.type, content: message.text }));
}
