import { createInterface } from "node:readline";
import type { Command } from "commander";
import { MemoryR1Error } from "../errors.js";
import { namespaceLabel } from "../store/namespace.js";
import { openStore } from "../store/open-store.js";
import { type Conversation, conversationHelp, openConversation } from "./conversation.js";
import { working } from "./exit.js";
import { openModels } from "./options/models.js";
import {
  addModelOptions,
  addRetrievalOptions,
  type ModelOptions,
  type RetrievalOptions,
  storePathOption,
  verbCommand,
} from "./options/options.js";
import { chooseRetrieval } from "./options/retrieval.js";

interface ChatOptions extends ModelOptions, RetrievalOptions {
  readonly message: readonly string[];
  readonly user: string;
  readonly storePath: string;
}

export function chatVerb(): Command {
  const command = verbCommand(
    "chat",
    "Talk to the two agents: what you tell is remembered, what you ask is answered from memory, across sessions.",
    "memory-r1 chat\n" + 'memory-r1 chat --user Ana --message "I moved to Oslo." --message "Where does Ana live?"',
  );
  return addRetrievalOptions(addModelOptions(command))
    .option("--message <text>", "say this and end; may be repeated", (text, all: string[]) => [...all, text], [])
    .option("--user <name>", "your name, under which memories are kept", "User")
    .addOption(storePathOption())
    .action(chat);
}

async function chat(options: ChatOptions): Promise<void> {
  const { message, user, storePath } = options;
  const models = await openModels(options);
  try {
    const retrieval = await chooseRetrieval(options);
    const opened = await openStore({ embeddings: models.embeddings, fields: ["text"], path: storePath });
    try {
      const conversation = openConversation({
        ...models,
        ...retrieval,
        store: opened.store,
        namespace: ["chat", namespaceLabel(user)],
        user,
        write: (text) => process.stdout.write(text),
      });
      await working(() => (message.length > 0 ? say(conversation, message) : converse(conversation)));
    } finally {
      await opened.close();
    }
  } finally {
    await models.close();
  }
}

async function say(conversation: Conversation, messages: readonly string[]): Promise<void> {
  for (const message of messages) {
    process.stdout.write(`> ${message}\n`);
    if (!(await conversation.take(message))) return;
  }
}

/** Reads lines until /quit or the end of input. */
async function converse(conversation: Conversation): Promise<void> {
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
  if (lines.terminal) process.stdout.write(conversationHelp);
  lines.prompt();
  for await (const line of lines) {
    try {
      if (!(await conversation.take(line))) break;
    } catch (error) {
      // One line that is too long, say, does not end a conversation.
      if (!(error instanceof MemoryR1Error)) throw error;
      process.stderr.write(`memory-r1: ${error.name}: ${error.message}\n`);
    }
    lines.prompt();
  }
  lines.close();
}
