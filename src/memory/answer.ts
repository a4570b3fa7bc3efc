import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseMessage } from "@langchain/core/messages";
import { END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";
import { ANSWER_EVENT, type AnswerPayload, type RetrievedMemory } from "../trace/episode.js";
import { type AnswerRetrieval, retrievalSetting, retrieveForAnswer } from "./bank/retrieve.js";
import { callModel, tell } from "./call.js";
import { aliasesOf } from "./decision.js";
import { type ParsedAnswer, parseAnswer } from "./parse.js";
import type { AnswerPromptInput, MemoryPrompts } from "./prompts/prompts.js";
import { type AgentOptions, agentRuntime, requireModel } from "./runtime.js";
import { type AgentGraph, type AnswerState, answerState } from "./state.js";

export interface AnswerOptions extends AgentOptions, AnswerRetrieval {
  readonly answerer?: BaseChatModel;
}

/** Messages that ask the answerer one question. The input never contains gold answers. */
export function buildAnswerPrompt(prompts: MemoryPrompts, input: AnswerPromptInput): BaseMessage[] {
  return prompts.answer(input);
}

/** Parses the answerer's text. Of the memories that it names, only those in `retrieved` count. */
export function readAnswer(text: string, retrieved: readonly RetrievedMemory[]): ParsedAnswer {
  const parsed = parseAnswer(text);
  const issued = new Set(aliasesOf(retrieved));
  return { ...parsed, selected: parsed.selected.filter((alias) => issued.has(alias)) };
}

/**
 * Builds the graph that answers one question from the bank: retrieve, answer. Compile it before use.
 * @param state `answerState`, or an extension that adds your own channels to the graph.
 */
export function createAnswerAgent<State extends typeof answerState = typeof answerState>(
  options: AnswerOptions,
  state: State = answerState as State,
): AgentGraph<State, "retrieve" | "reply"> {
  const runtime = agentRuntime(options);
  const { prompts, id } = runtime;
  const retrieval = retrievalSetting(options);

  async function retrieve({ question, speakers }: AnswerState, config: LangGraphRunnableConfig) {
    const bank = runtime.bank(config);
    const whose = speakers ?? (await bank.speakers({ shared: true }));
    // The next run of the thread asks of all speakers again, unless it names some.
    return { retrieved: await retrieveForAnswer(bank, question.text, whose, retrieval), speakers: undefined };
  }

  async function answer({ question, retrieved }: AnswerState, config: LangGraphRunnableConfig) {
    const callId = id();
    const model = requireModel(options.answerer ?? options.model, "answerer");
    const messages = buildAnswerPrompt(prompts, { question: question.text, retrieved: retrieved! });
    const text = await callModel(model, "answerer", messages, callId, config);
    const answer: AnswerPayload = {
      id: id(),
      callId,
      namespace: [...runtime.bank(config).namespace],
      question,
      retrieval,
      retrieved: retrieved!,
      ...readAnswer(text, retrieved!),
    };
    await tell(ANSWER_EVENT, answer, config);
    return { answer };
  }

  // The nodes know the base state only; an extension's channels pass by them.
  const graph = new StateGraph(state as typeof answerState)
    .addNode("retrieve", retrieve, runtime.node)
    .addNode("reply", answer, runtime.node)
    .addEdge(START, "retrieve")
    .addEdge("retrieve", "reply")
    .addEdge("reply", END);
  return graph as unknown as AgentGraph<State, "retrieve" | "reply">;
}
