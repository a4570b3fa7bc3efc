import { type AIMessage, type BaseMessage, isBaseMessage } from "@langchain/core/messages";
import type { Run } from "@langchain/core/tracers/base";
import { z } from "zod";
import { type ModelCall, roleSchema, samplingSchema } from "./episode.js";
import { renderMessages } from "./render.js";
import { ROLE_METADATA } from "./role.js";

/** What a chat model may say about a reply in its `response_metadata`; another form is taken as not said. */
const replySchema = z.object({
  prompt_ids: z.array(z.number()).optional().catch(undefined),
  response_ids: z.array(z.number()).optional().catch(undefined),
  response_logprobs: z.array(z.number()).optional().catch(undefined),
  finish_reason: z.string().optional().catch(undefined),
  policy_version: z.string().optional().catch(undefined),
  sampling: samplingSchema.optional().catch(undefined),
  model_name: z.string().optional().catch(undefined),
  // Ollama's names for the same.
  model: z.string().optional().catch(undefined),
  done_reason: z.string().optional().catch(undefined),
});

/** Tokens of a reply as LangChain's messages tell them. */
const usageSchema = z
  .object({ input_tokens: z.number(), output_tokens: z.number() })
  .transform(({ input_tokens, output_tokens }) => ({ inputTokens: input_tokens, outputTokens: output_tokens }))
  .optional()
  .catch(undefined);

/** Metadata of a LangChain run, as far as episodes keep it. */
export const metadataSchema = z.object({
  thread_id: z.string().optional().catch(undefined),
  checkpoint_id: z.string().optional().catch(undefined),
  checkpoint_ns: z.string().optional().catch(undefined),
  langgraph_checkpoint_ns: z.string().optional().catch(undefined),
  langgraph_node: z.string().optional().catch(undefined),
  ls_model_name: z.string().optional().catch(undefined),
  [ROLE_METADATA]: roleSchema.optional().catch(undefined),
});

/** What an episode keeps of the run that an event is of. */
export function runFields(runId: string, metadata: unknown): ModelCall["run"] {
  const known = metadataSchema.parse(metadata ?? {});
  return defined({
    runId,
    threadId: known.thread_id,
    checkpointId: known.checkpoint_id,
    checkpointNamespace: known.langgraph_checkpoint_ns ?? known.checkpoint_ns,
    node: known.langgraph_node,
  });
}

/** The parts of an episode's `model_call` that a finished model run tells. */
export function describeModelCall(run: Pick<Run, "id" | "extra" | "inputs" | "outputs" | "error">): CallParts {
  const metadata = metadataSchema.parse(run.extra?.metadata ?? {});
  const generation = (run.outputs as LlmOutputs | undefined)?.generations?.[0]?.[0];
  const parts = replyParts(generation?.message?.response_metadata, generation?.message?.usage_metadata);
  return defined({
    type: "model_call" as const,
    id: run.id,
    role: metadata[ROLE_METADATA],
    messages: describePrompt(run.inputs),
    text: generation?.text ?? "",
    toolCalls: describeToolCalls(generation?.message),
    ...parts,
    model: parts.model ?? metadata.ls_model_name,
    error: run.error,
  });
}

/** What a reply's metadata tells of it. */
export function replyParts(metadata: unknown, usage: unknown) {
  const reply = replySchema.parse(metadata ?? {});
  return defined({
    model: reply.model_name ?? reply.model,
    usage: usageSchema.parse(usage ?? undefined),
    promptIds: reply.prompt_ids,
    responseIds: reply.response_ids,
    logprobs: reply.response_logprobs,
    finishReason: reply.finish_reason ?? reply.done_reason,
    sampling: reply.sampling,
    policyVersion: reply.policy_version,
  });
}

export type CallParts = Omit<ModelCall, "at" | "run">;

interface LlmOutputs {
  readonly generations?: readonly { readonly text: string; readonly message?: AIMessage }[][];
}

function describeToolCalls(message: AIMessage | undefined): ModelCall["toolCalls"] {
  const calls = [...(message?.tool_calls ?? []), ...(message?.invalid_tool_calls ?? [])];
  const described = calls.map(({ name, args, id }) => ({
    name: name ?? "",
    args: args ?? {},
    ...(typeof id === "string" ? { id } : {}),
  }));
  return described.length === 0 ? undefined : described;
}

function describePrompt(inputs: Run["inputs"]): ModelCall["messages"] {
  const [messages] = (inputs as { messages?: BaseMessage[][] }).messages ?? [];
  if (messages?.every(isBaseMessage)) {
    return renderMessages(messages);
  }
  const prompts = (inputs as { prompts?: string[] }).prompts ?? [];
  return prompts.map((content) => ({ role: "user", content }));
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Leaves out what is undefined: JSON has no such value. */
export function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
