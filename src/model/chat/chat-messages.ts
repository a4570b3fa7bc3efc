import { AIMessage, type BaseMessage, ChatMessage } from "@langchain/core/messages";
import { UsageError } from "../../errors.js";
import type { ChatTurn } from "../checkpoint/chat-template.js";

const roles: Readonly<Record<string, string>> = {
  human: "user",
  ai: "assistant",
  system: "system",
  developer: "system",
};

/**
 * LangChain's messages as a chat template sees them. @throws UsageError for what a text model cannot read.
 * @param tools whether the template renders tool calls and their results.
 */
export function toChatTurns(messages: readonly BaseMessage[], { tools = false } = {}): ChatTurn[] {
  if (messages.length === 0) {
    throw new UsageError({
      what: "no messages",
      expected: "at least one message",
      remedy: "pass a message or a prompt",
    });
  }
  return messages.map((message, index): ChatTurn => {
    const content = textOf(message, index);
    const calls = AIMessage.isInstance(message) ? (message.tool_calls ?? []) : [];
    if (tools && message.type === "tool") return { role: "tool", content };
    const role = roleOf(message, index, !tools && calls.length > 0);
    if (calls.length === 0) return { role, content };
    const tool_calls = calls.map(({ name, args }) => ({
      type: "function" as const,
      function: { name, arguments: args },
    }));
    return { role, content, tool_calls };
  });
}

function roleOf(message: BaseMessage, index: number, calls: boolean): string {
  const role = ChatMessage.isInstance(message) ? message.role : roles[message.type];
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
