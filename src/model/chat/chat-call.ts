import type { UsageMetadata } from "@langchain/core/messages";
import { EngineError } from "../../errors.js";
import type { GenerateRequest, Generation } from "../engine/engine.js";
import type { ChatSampling } from "./chat-sampling.js";
import type { ResponseReader } from "./response-reader.js";
import type { ToolCallReader } from "./tool-call-reader.js";

/** Exact record of one response: with it a trainer can score and replay the call. A type, not an interface: it is stored as plain data. */
export type ChatOnnxMetadata = {
  prompt_ids: number[];
  response_ids: number[];
  /** Natural log-probability of each response id at temperature 1. */
  response_logprobs: number[];
  finish_reason: Generation["finishReason"];
  policy_version: string;
  sampling: ChatSampling;
  model_name: string;
  /** As `model_name`: LangChain's standard tests ask for this one. */
  model: string;
};

/** One invocation of the chat model, while it runs. */
export interface ChatCall {
  readonly request: GenerateRequest & { readonly promptIds: number[] };
  readonly sampling: ChatSampling;
  readonly reader: ResponseReader;
  readonly modelName: string;
  /** Absent where no tools are bound: then the reply is text, whatever it says. */
  readonly calls?: ToolCallReader;
}

/** What a message carries besides its text. */
export interface ChatOutcome {
  readonly usage_metadata: UsageMetadata;
  readonly response_metadata: ChatOnnxMetadata;
}

export function outcomeOf(
  { request, sampling, reader, modelName }: ChatCall,
  finishReason: Generation["finishReason"],
  policyVersion: string,
): ChatOutcome {
  const input_tokens = request.promptIds.length;
  const output_tokens = reader.ids.length;
  return {
    usage_metadata: { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens },
    response_metadata: {
      prompt_ids: request.promptIds,
      response_ids: reader.ids,
      response_logprobs: reader.logprobs,
      finish_reason: finishReason,
      policy_version: policyVersion,
      sampling,
      model_name: modelName,
      model: modelName,
    },
  };
}

/** Reads what the reader has not yet seen. A stop string also ends a response that the engine ran to its full length. */
export function readRest(
  reader: ResponseReader,
  [generation]: readonly Generation[],
): { text: string; finishReason: Generation["finishReason"] } {
  if (generation === undefined) {
    throw new EngineError({ what: "the engine gave no response to a request", remedy: "report this as a bug" });
  }
  const seen = reader.ids.length;
  const text = reader.push(generation.ids.slice(seen), generation.logprobs.slice(seen)) + reader.end();
  return { text, finishReason: reader.stopped ? "stop" : generation.finishReason };
}
