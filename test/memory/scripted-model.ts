import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";

export type Script = (messages: BaseMessage[]) => string | AIMessage;

/** A chat model that answers by a function of its messages, and keeps what it was asked. */
export class ScriptedModel extends BaseChatModel {
  readonly asked: BaseMessage[][] = [];
  readonly #script: Script;

  constructor(script: Script | string) {
    super({});
    this.#script = typeof script === "string" ? () => script : script;
  }

  override _llmType(): string {
    return "scripted";
  }

  override async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    this.asked.push(messages);
    const reply = this.#script(messages);
    const message = typeof reply === "string" ? new AIMessage(reply) : reply;
    return { generations: [{ text: message.text, message }] };
  }
}

/** A scripted model that can be given tools, as agents want it. */
export class ScriptedToolModel extends ScriptedModel {
  override bindTools(): this {
    return this;
  }
}

/** The text of the last message. */
export function lastText(messages: readonly BaseMessage[]): string {
  return messages[messages.length - 1]!.text;
}

export const operations = (...list: unknown[]): string => JSON.stringify({ operations: list });
