import { randomUUID } from "node:crypto";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk } from "@langchain/core/messages";
import type { BaseStore } from "@langchain/langgraph";
import { formatDate } from "../evaluate/synthetic.js";
import { createAnswerAgent } from "../memory/answer.js";
import { MemoryBank } from "../memory/bank.js";
import { createMemoryManager } from "../memory/manager.js";
import type { MemoryPrompts } from "../memory/prompts.js";
import type { Change } from "../trace/episode.js";

export interface ConversationOptions {
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
    const turn = { id: `chat-${randomUUID()}`, speaker: user, text, time: formatDate(now()) };
    const { step } = await manager.invoke({ turn });
    for (const change of step!.changes) write(`  ${describeChange(change)}\n`);
    if (step!.unparsable !== null) write(`  (nothing remembered: the reply could not be read: ${step!.unparsable})\n`);
  }

  async function ask(text: string): Promise<void> {
    const question = { id: `chat-${randomUUID()}`, text };
    for await (const [message] of await answerer.stream({ question }, { streamMode: "messages" })) {
      // The whole reply may come once more at its end.
      if (AIMessageChunk.isInstance(message)) write(message.text);
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
        await tell(text);
        if (text.endsWith("?")) await ask(text);
      }
      return true;
    },
  };
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
