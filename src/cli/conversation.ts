import { randomUUID } from "node:crypto";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk } from "@langchain/core/messages";
import type { BaseStore } from "@langchain/langgraph";
import { createAnswerAgent } from "../memory/answer.js";
import { MemoryBank } from "../memory/bank/bank.js";
import type { AnswerRetrieval } from "../memory/bank/retrieve.js";
import { createMemoryManager } from "../memory/manager.js";
import type { MemoryPrompts } from "../memory/prompts/prompts.js";
import { turnSaidNow } from "../memory/said-now.js";
import type { Change } from "../trace/episode.js";

export interface ConversationOptions extends AnswerRetrieval {
  readonly extractor: BaseChatModel;
  readonly manager: BaseChatModel;
  readonly answerer: BaseChatModel;
  readonly prompts: MemoryPrompts;
  readonly store: BaseStore;
  readonly namespace: readonly string[];
  /** The user's name, under which memories are kept. */
  readonly user: string;
  /** Takes what is shown, piece by piece. */
  readonly write: (text: string) => void;
  readonly now?: () => Date;
}

export interface Conversation {
  /** Takes one line of the user; false when it ends the conversation. */
  readonly take: (line: string) => Promise<boolean>;
}

export const conversationHelp =
  "Tell something to remember, or ask with a question mark.\n" +
  "/ask QUESTION  ask without remembering   /memories  list them   /quit  end\n";

/** One user who tells and asks: what is said goes through the memory manager, questions to the answer agent. */
export function openConversation({
  write,
  now = () => new Date(),
  user,
  ...options
}: ConversationOptions): Conversation {
  const manager = createMemoryManager(options).compile();
  const answerer = createAnswerAgent(options).compile();
  const bank = new MemoryBank(options);

  async function tell(text: string): Promise<void> {
    const turn = turnSaidNow({ id: `chat-${randomUUID()}`, speaker: user, text }, now());
    const { step } = await manager.invoke({ turn });
    for (const change of step!.changes) write(`  ${describeChange(change)}\n`);
    if (step!.unparsable !== null) write(`  (nothing remembered: the reply could not be read: ${step!.unparsable})\n`);
  }

  async function ask(text: string): Promise<void> {
    const question = { id: `chat-${randomUUID()}`, text };
    let streamed = false;
    for await (const [message] of await answerer.stream({ question }, { streamMode: "messages" })) {
      // A model that does not stream gives its whole reply at once; after chunks that would be a repetition.
      const chunk = AIMessageChunk.isInstance(message);
      if (chunk || !streamed) write(message.text);
      streamed ||= chunk;
    }
    write("\n");
  }

  async function list(): Promise<void> {
    const memories = await bank.list();
    for (const { value } of memories) write(`  (${value.time}) ${value.text}\n`);
    if (memories.length === 0) write("  (none)\n");
  }

  return {
    async take(line) {
      const text = line.trim();
      const [command, rest] = /^\/(\w*)\s*(.*)$/s.exec(text)?.slice(1) ?? [];
      if (command === "quit" || command === "exit") return false;
      if (command === "memories") await list();
      else if (command === "ask" && rest !== "") await ask(rest!);
      else if (command !== undefined) write(conversationHelp);
      else if (text !== "") {
        const { told, asked } = partLine(text);
        if (told !== "") await tell(told);
        if (asked !== "") await ask(asked);
      }
      return true;
    },
  };
}

/** The question that a line ends with holds no facts to remember: it is parted from what stands before it. */
export function partLine(text: string): { told: string; asked: string } {
  const lastSentence = text.split(/(?<=[.!?])\s+/).at(-1) ?? "";
  const asked = lastSentence.endsWith("?") ? lastSentence : "";
  return { told: text.slice(0, text.length - asked.length).trim(), asked };
}

function describeChange({ event, before, after }: Change): string {
  switch (event) {
    case "ADD":
      return `+ ${after?.text}`;
    case "UPDATE":
      return `~ ${before?.text} -> ${after?.text}`;
    case "DELETE":
      return `- ${before?.text}`;
  }
}
