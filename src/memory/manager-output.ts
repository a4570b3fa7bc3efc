import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { AIMessage, AIMessageChunk } from "@langchain/core/messages";
import type { Runnable } from "@langchain/core/runnables";
import { z } from "zod";
import { UsageError } from "../errors.js";

/**
 * How a manager's model returns its operations. `text`: as JSON in its reply, which every model can do and policies are
 * trained to do. `tool`: as the arguments of a tool call. `auto`: as a tool call where the model can bind tools, else as
 * text.
 */
const managerOutputs = ["text", "tool", "auto"] as const;
export type ManagerOutput = (typeof managerOutputs)[number];

export const MANAGER_TOOL = "manage_memory";

/** One flat form for all operations: providers of tools differ in how much of `anyOf` they take. `parseOperations` checks it. */
const argumentsSchema = z.object({
  operations: z.array(
    z.object({
      event: z.enum(["ADD", "UPDATE", "DELETE", "NOOP"]),
      id: z.string().optional().describe("Id of the memory, such as m1; not for ADD"),
      fact: z.string().optional().describe("The fact that is added, such as f1; only for ADD"),
      text: z.string().optional().describe("The whole new text; for UPDATE, and for an ADD that names no fact"),
    }),
  ),
});

const managerTool = {
  name: MANAGER_TOOL,
  description: "Changes the memory: what to add, update and delete. Memories that no operation names stay as they are.",
  schema: argumentsSchema,
};

/** What answers messages with a message: a chat model, or one with tools bound to it. */
export type Replier = Runnable<BaseLanguageModelInput, AIMessageChunk>;

/** The model as it is asked for a decision. @throws UsageError where a tool is wanted of a model that has none. */
export function managerReplier(model: BaseChatModel, output: ManagerOutput): Replier {
  if (output === "text" || (output === "auto" && model.bindTools === undefined)) {
    return model;
  }
  if (output === "auto") {
    try {
      return bound(model);
    } catch (error) {
      // A model whose chat template knows no tools says so only when it is asked.
      if (error instanceof UsageError) return model;
      throw error;
    }
  }
  if (model.bindTools === undefined) {
    throw new UsageError({
      what: "the manager's model has no tools",
      where: "option `managerOutput`",
      expected: "a chat model with `bindTools`",
      found: model.getName(),
      remedy: 'pass managerOutput "auto" or "text", or another model',
    });
  }
  return bound(model);
}

/** Providers name the forced tool in their own format; models that cannot be forced ignore it. */
function bound(model: BaseChatModel): Replier {
  return model.bindTools!([managerTool], { tool_choice: MANAGER_TOOL } as object);
}

/** The decision as the text that `parseOperations` reads: the tool calls' arguments, or the reply where none was made. */
export function decisionText(reply: AIMessage): string {
  const calls = (reply.tool_calls ?? []).filter(({ name }) => name === MANAGER_TOOL);
  if (calls.length === 1) {
    return JSON.stringify(calls[0]!.args, withoutEmpty);
  }
  if (calls.length > 1) {
    // What is no list stays as it is, for the parser to refuse.
    const operations = calls.flatMap(({ args }) => (Array.isArray(args.operations) ? args.operations : [args]));
    return JSON.stringify({ operations }, withoutEmpty);
  }
  const broken = reply.invalid_tool_calls?.find(({ name }) => name === MANAGER_TOOL);
  return broken?.args ?? reply.text;
}

/** Strict tools have models fill in every property: null or "" where it has no meaning. */
function withoutEmpty(_: string, value: unknown): unknown {
  return value === null || value === "" ? undefined : value;
}
