import type { Embeddings } from "@langchain/core/embeddings";
import type { BaseMessage } from "@langchain/core/messages";
import { FileError } from "../errors.js";
import type { AnswerRetrieval } from "../memory/bank/retrieve.js";
import type { MemoryPrompts } from "../memory/prompts/prompts.js";
import { toChatTurns } from "../model/chat/chat-messages.js";
import type { ChatTokenizer } from "../model/checkpoint/tokenizer.js";
import type { Generation, PolicyEngine } from "../model/engine/engine.js";
import type { ModelCall } from "../trace/episode.js";
import type { RolloutOptions, Sample } from "./rollout.js";
import { streamSeed } from "./seeds.js";

/** What the tasks need to let an agent act outside of a graph: the engine, and how text becomes tokens. */
export interface RolloutContext extends AnswerRetrieval {
  readonly engine: PolicyEngine;
  readonly tokenizer: ChatTokenizer;
  readonly prompts: MemoryPrompts;
  /** Ranks the memories of replayed banks; the one that recorded the episodes. */
  readonly embeddings: Embeddings;
  readonly maxNewTokens: number;
}

export function encodeMessages({ tokenizer }: RolloutContext, messages: readonly BaseMessage[]): number[] {
  return tokenizer.encodeChat(toChatTurns(messages));
}

/** The tokens of a recorded prompt. @throws FileError where the model that recorded it saw others. */
export function encodeRecorded({ tokenizer }: RolloutContext, { id, messages, promptIds }: ModelCall): number[] {
  const ids = tokenizer.encodeChat(messages);
  if (promptIds !== undefined && promptIds.join(" ") !== ids.join(" ")) {
    throw new FileError({
      what: "a recorded prompt does not give its recorded tokens",
      where: `model call ${id}`,
      expected: `${promptIds.length} ids as recorded`,
      found: `${ids.length} ids by this model's tokenizer`,
      remedy: "train with the model that recorded the episodes",
    });
  }
  return ids;
}

/** The response's text without its end token. */
export function responseText({ tokenizer }: RolloutContext, { ids, finishReason }: Generation): string {
  const content = finishReason === "stop" ? ids.slice(0, -1) : ids;
  return content.length === 0 ? "" : tokenizer.decode(content, { skipSpecial: true });
}

/** `count` responses to each prompt, at the sampling temperature. */
export function sample(
  { engine, tokenizer, maxNewTokens }: RolloutContext,
  adapter: string | undefined,
  prompts: readonly (readonly number[])[],
  {
    count,
    temperature,
    seeds,
  }: { readonly count: number; readonly temperature: number; readonly seeds: readonly number[] },
): Promise<Generation[][]> {
  const requests = prompts.map((promptIds, i) => ({ promptIds, count, maxNewTokens, temperature, seed: seeds[i]! }));
  return engine.generate(requests, { adapter, stopIds: tokenizer.stopIds });
}

/** Whether the longest response to a prompt would fit the model's context. */
export function fits({ engine, maxNewTokens }: RolloutContext, promptIds: readonly number[]): boolean {
  return promptIds.length + maxNewTokens <= engine.info.contextLength;
}

/** Attempts at items that have a prompt each; what an item draws does not depend on the others. */
export async function sampleItems<Item extends { readonly promptIds: readonly number[] }>(
  policy: RolloutContext,
  adapter: string,
  items: ReadonlyMap<string, Item>,
  ids: readonly string[],
  { groupSize, temperature, seed }: RolloutOptions,
): Promise<{ readonly id: string; readonly item: Item; readonly generations: readonly Generation[] }[]> {
  const chosen = ids.map((id) => items.get(id)!);
  const prompts = chosen.map(({ promptIds }) => promptIds);
  const seeds = ids.map((id) => streamSeed(seed, id));
  const generations = await sample(policy, adapter, prompts, { count: groupSize, temperature, seeds });
  return chosen.map((item, i) => ({ id: ids[i]!, item, generations: generations[i]! }));
}

export function toSample(promptIds: readonly number[], { ids, logprobs, finishReason }: Generation): Sample {
  return { promptIds, responseIds: ids, logprobs, truncated: finishReason === "length" };
}
