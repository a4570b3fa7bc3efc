import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseMessage } from "@langchain/core/messages";
import { z } from "zod";
import { ContextLengthError } from "../errors.js";

/** What model calls cost; tokens count where the model reports them. */
export const usageSchema = z.object({
  calls: z.number().int(),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
});

export type Usage = Readonly<z.infer<typeof usageSchema>>;

export const noUsage: Usage = { calls: 0, inputTokens: 0, outputTokens: 0 };

export const addUsage = (all: readonly Usage[]): Usage =>
  all.reduce(
    (sum, { calls, inputTokens, outputTokens }) => ({
      calls: sum.calls + calls,
      inputTokens: sum.inputTokens + inputTokens,
      outputTokens: sum.outputTokens + outputTokens,
    }),
    noUsage,
  );

export interface CountedReply {
  /** Null where the prompt leaves no room for a reply in the model's context: it was not asked. */
  readonly text: string | null;
  readonly usage: Usage;
}

/** Asks a chat model and counts what it cost. */
export async function askCounted(
  model: BaseChatModel,
  messages: BaseMessage[],
  signal?: AbortSignal,
): Promise<CountedReply> {
  try {
    const reply = await model.invoke(messages, signal === undefined ? {} : { signal });
    const { input_tokens = 0, output_tokens = 0 } = reply.usage_metadata ?? {};
    return { text: reply.text, usage: { calls: 1, inputTokens: input_tokens, outputTokens: output_tokens } };
  } catch (error) {
    if (error instanceof ContextLengthError) return { text: null, usage: noUsage };
    throw error;
  }
}
