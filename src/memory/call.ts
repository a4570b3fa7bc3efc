import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { ROLE_METADATA, type Role } from "../trace/role.js";

/** Asks a role's model. `callId` becomes the id of the model run, by which traces and steps are joined. */
export async function callModel(
  model: BaseChatModel,
  role: Role,
  messages: BaseMessage[],
  callId: string,
  config: RunnableConfig,
): Promise<string> {
  const reply = await model.invoke(messages, {
    ...config,
    runId: callId,
    metadata: { ...config.metadata, [ROLE_METADATA]: role },
  });
  return reply.text;
}
