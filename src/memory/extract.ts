import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { newFacts, withoutRecalled } from "./bank/recalled.js";
import { callModel } from "./call.js";
import { type ParsedFacts, parseFacts } from "./parse.js";
import { type AgentRuntime, requireModel } from "./runtime.js";
import type { TurnInput } from "./state.js";

/** The facts of a turn: those it came with, or what the extractor's model finds, without what was only recalled. */
export async function extractFacts(
  turn: TurnInput,
  model: BaseChatModel | undefined,
  { prompts, id }: AgentRuntime,
  config: LangGraphRunnableConfig,
): Promise<ParsedFacts> {
  if (turn.facts !== undefined) {
    return { facts: newFacts(turn.facts, turn.recalled), unparsable: null };
  }
  const said = { ...turn, text: withoutRecalled(turn.text) };
  const text = await callModel(requireModel(model, "extractor"), "extractor", prompts.extract(said), id(), config);
  const { facts, unparsable } = parseFacts(text);
  return { facts: newFacts(facts, turn.recalled), unparsable: unparsable === null ? null : `extractor: ${unparsable}` };
}
