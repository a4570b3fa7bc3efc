import type { BindToolsInput } from "@langchain/core/language_models/chat_models";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { z } from "zod";
import { UsageError } from "../../errors.js";
import { CALL_OPEN } from "../checkpoint/chat-template.js";

/** A tool as chat templates render it: OpenAI's form. A type, not an interface: it is stored as plain data. */
export type ChatTool = {
  readonly type: "function";
  readonly function: { readonly name: string; readonly description?: string; readonly parameters?: unknown };
};

const toolSchema = z.object({ type: z.literal("function"), function: z.looseObject({ name: z.string().min(1) }) });

/** @throws UsageError for a tool that has no name. */
export function chatTools(tools: readonly BindToolsInput[]): ChatTool[] {
  return tools.map((tool, at) => {
    const converted = toolSchema.safeParse("function" in tool ? tool : convertToOpenAITool(tool as never));
    if (converted.success) return converted.data as ChatTool;
    throw new UsageError({
      what: "the tool cannot be shown to the model",
      where: `tool ${at}`,
      expected: "a LangChain tool with a name and a schema, or a function in OpenAI's form",
      found: Object.keys(tool).join(", ") || "an empty object",
      remedy: "make it with `tool` of @langchain/core/tools",
    });
  });
}

/** How a reply must begin so that the model calls the tool that was chosen; "" where it may do as it likes. */
export function replyBeginning(choice: unknown, tools: readonly ChatTool[]): string {
  const names = tools.map((tool) => tool.function.name);
  const name = chosenName(choice, names);
  if (name === undefined) return "";
  if (name === null) return `${CALL_OPEN}\n{"name": "`;
  if (names.includes(name)) return `${CALL_OPEN}\n{"name": ${JSON.stringify(name)}, "arguments":`;
  throw new UsageError({
    what: "the chosen tool is not bound",
    where: "tool_choice",
    expected: `auto, any, or one of ${names.join(", ")}`,
    found: name,
    remedy: "bind the tool, or choose another",
  });
}

/** The tool's name; null: any tool; undefined: the model decides. */
function chosenName(choice: unknown, names: readonly string[]): string | null | undefined {
  if (choice === undefined || choice === "auto" || choice === "none") return undefined;
  if (choice === "any" || choice === "required") return names.length === 1 ? names[0]! : null;
  if (typeof choice === "string") return choice;
  const { function: chosen, name } = choice as { function?: { name?: string }; name?: string };
  return chosen?.name ?? name;
}
