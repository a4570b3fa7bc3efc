import { dispatchCustomEvent } from "@langchain/core/callbacks/dispatch";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseMessage } from "@langchain/core/messages";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { ROLE_METADATA, type Role } from "../trace/role.js";

/** Asks a role's model. `callId` becomes the id of the model run, by which traces and steps are joined. */
export async function callModel(
  model: BaseChatModel,
  role: Role,
  messages: BaseMessage[],
  callId: string,
  config: LangGraphRunnableConfig,
): Promise<string> {
  const reply = await model.invoke(messages, {
    ...config,
    runId: callId,
    metadata: { ...config.metadata, ...checkpointOf(config), [ROLE_METADATA]: role },
  });
  return reply.text;
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
