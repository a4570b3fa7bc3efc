import { type BaseMessage, ChatMessage } from "@langchain/core/messages";
import { UsageError } from "../errors.js";
import type { ChatTurn } from "./chat-template.js";

const roles: Readonly<Record<string, string>> = {
  human: "user",
  ai: "assistant",
  system: "system",
  developer: "system",
};

/** LangChain's messages as a chat template sees them. Throws UsageError for what a text model cannot read. */
export function toChatTurns(messages: readonly BaseMessage[]): ChatTurn[] {
  if (messages.length === 0) {
    throw new UsageError({
      what: "no messages",
      expected: "at least one message",
      remedy: "pass a message or a prompt",
    });
  }
  return messages.map((message, index) => ({ role: roleOf(message, index), content: textOf(message, index) }));
}

function roleOf(message: BaseMessage, index: number): string {
  const role = ChatMessage.isInstance(message) ? message.role : roles[message.type];
  const calls = "tool_calls" in message && Array.isArray(message.tool_calls) && message.tool_calls.length > 0;
  if (role !== undefined && !calls) return role;
  throw new UsageError({
    what: "this chat model has no tools",
    where: `message ${index}`,
    expected: "system, human, ai or chat messages without tool calls",
    found: calls ? "an ai message with tool calls" : `a ${message.type} message`,
    remedy: "put the tool's result into a human message",
  });
}

function textOf({ content }: BaseMessage, index: number): string {
  if (typeof content === "string") return content;
  return content
    .map((block, position) => {
      if (block.type === "text" && typeof block.text === "string") return block.text;
      throw new UsageError({
        what: "this chat model reads text only",
        where: `message ${index}, content block ${position}`,
        expected: 'blocks of type "text"',
        found: JSON.stringify(block.type),
        remedy: "leave the block out, or describe it in words",
      });
    })
    .join("");
}
