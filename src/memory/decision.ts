import type { BaseMessage } from "@langchain/core/messages";
import type { Change, RetrievedMemory, Turn } from "../trace/episode.js";
import type { MemoryBank } from "./bank/bank.js";
import type { ApplyOptions } from "./bank/bank-options.js";
import type { Operation } from "./bank/operation.js";
import { parseOperations } from "./parse.js";
import type { ManagePromptInput, MemoryPrompts } from "./prompts/prompts.js";

export interface DecisionOptions extends ApplyOptions {
  readonly maxOperations?: number;
  /** The facts of the decision, which an ADD may name. */
  readonly facts?: readonly string[];
}

export interface AppliedDecision {
  readonly operations: readonly Operation[];
  readonly unparsable: string | null;
  readonly changes: readonly Change[];
}

/** Messages that ask the manager for one decision. */
export function buildManagerPrompt(prompts: MemoryPrompts, input: ManagePromptInput): BaseMessage[] {
  return prompts.manage(input);
}

/** Parses a manager's text and applies it to the bank. Unparsable text changes nothing. */
export async function applyDecision(
  bank: MemoryBank,
  text: string,
  retrieved: readonly RetrievedMemory[],
  turn: Turn,
  { maxOperations, facts = [], ...options }: DecisionOptions = {},
): Promise<AppliedDecision> {
  const { operations, unparsable } = parseOperations(text, aliasesOf(retrieved), { facts, maxOperations });
  return { operations, unparsable, changes: await bank.apply(operations, retrieved, turn, options) };
}

export function aliasesOf(retrieved: readonly RetrievedMemory[]): string[] {
  return retrieved.map(({ alias }) => alias);
}
