import { dispatchCustomEvent } from "@langchain/core/callbacks/dispatch";
import type { AIMessage, BaseMessage } from "@langchain/core/messages";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { ROLE_METADATA, type Role } from "../trace/role.js";
import type { Replier } from "./manager-output.js";

/** By this tag LangGraph leaves a run's messages out of `streamMode: "messages"`: users wait for answers, not for decisions. */
const NO_STREAM = "nostream";

/** A model's reply, and what it reports of the policy that gave it. */
export interface PolicyReply {
  readonly text: string;
  readonly policyVersion: string | null;
  /** Of the whole response; null where the model reports no log-probabilities. */
  readonly probability: number | null;
}

/** Asks a role's model. `callId` becomes the id of the model run, by which traces and steps are joined. */
export async function callModel(
  model: Replier,
  role: Role,
  messages: BaseMessage[],
  callId: string,
  config: LangGraphRunnableConfig,
): Promise<string> {
  return (await askPolicy(model, role, messages, callId, config)).text;
}

/** As `callModel`, with what the model reports of its policy. `read` takes the text from the reply. */
export async function askPolicy(
  model: Replier,
  role: Role,
  messages: BaseMessage[],
  callId: string,
  config: LangGraphRunnableConfig,
  read: (reply: AIMessage) => string = ({ text }) => text,
): Promise<PolicyReply> {
  const reply = await model.invoke(messages, {
    ...config,
    runId: callId,
    ...(role === "answerer" ? {} : { tags: [...(config.tags ?? []), NO_STREAM] }),
    metadata: { ...config.metadata, ...checkpointOf(config), [ROLE_METADATA]: role },
  });
  const { policy_version: version, response_logprobs: logprobs } = reply.response_metadata ?? {};
  return {
    text: read(reply),
    policyVersion: typeof version === "string" ? version : null,
    probability: Array.isArray(logprobs) ? Math.exp(logprobs.reduce((sum, logprob) => sum + Number(logprob), 0)) : null,
  };
}

/** Tells recorders what a node did. */
export async function tell(event: string, payload: object, config: LangGraphRunnableConfig): Promise<void> {
  const metadata = { ...config.metadata, ...checkpointOf(config) };
  await dispatchCustomEvent(event, payload, { ...config, metadata });
}

/** LangGraph tells nodes, but not tracers, which checkpoint they run from. */
function checkpointOf({ executionInfo }: LangGraphRunnableConfig): { checkpoint_id?: string } {
  return executionInfo?.threadId === undefined ? {} : { checkpoint_id: executionInfo.checkpointId };
}
