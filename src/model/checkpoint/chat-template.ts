import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { z } from "zod";
import { FileError, messageOf, UsageError } from "../../errors.js";
import { hasCode, parseFields, readOptionalJson } from "../../json-file.js";

/** How models of the Hermes family (Qwen2.5, Qwen3) write a call: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`. */
export const CALL_OPEN = "<tool_call>";
export const CALL_CLOSE = "</tool_call>";

/** One turn of a chat, as templates see it. */
export interface ChatTurn {
  readonly role: string;
  readonly content: string;
  /** Calls that the turn ends with, for templates that render tools. */
  readonly tool_calls?: readonly {
    readonly type: "function";
    readonly function: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
  }[];
}

export interface ChatRenderOptions {
  readonly addGenerationPrompt: boolean;
  /** Tools in OpenAI's form. */
  readonly tools?: readonly object[];
}

const named = z.object({ name: z.string(), template: z.string() });
const templateSchema = z.union([z.string(), z.array(named)]);
const chatTemplateField = z.object({ chat_template: templateSchema.nullish() });

/** A compiled chat template. */
export class ChatTemplate {
  /** Whether it shows tools to the model, and has them called by `<tool_call>` marks. */
  readonly rendersTools: boolean;
  readonly #template: Template;
  readonly #where: string;
  readonly #specialTokens: Readonly<Record<string, string>>;

  /** `specialTokens`: the names that templates use, such as eos_token. */
  constructor(source: string, where: string, specialTokens: Readonly<Record<string, string>>) {
    try {
      this.#template = new Template(source);
    } catch (cause) {
      throw new FileError({
        what: "the chat template does not parse",
        where,
        found: messageOf(cause),
        remedy: "use the chat template that came with the checkpoint",
        cause,
      });
    }
    this.rendersTools = /\btools\b/.test(source) && source.includes(CALL_OPEN);
    this.#where = where;
    this.#specialTokens = specialTokens;
  }

  /** The text of a chat. @throws UsageError when the template refuses the messages. */
  render(messages: readonly ChatTurn[], { addGenerationPrompt, tools = [] }: ChatRenderOptions): string {
    try {
      return this.#template.render({
        ...this.#specialTokens,
        messages: messages.map(({ role, content, tool_calls }) => ({
          role,
          content,
          ...(tool_calls === undefined ? {} : { tool_calls }),
        })),
        add_generation_prompt: addGenerationPrompt,
        // Templates ask `tools is not none`, which an undefined name would pass.
        tools: tools.length === 0 ? null : tools,
        documents: null,
      });
    } catch (cause) {
      throw new UsageError({
        what: "the chat template refuses these messages",
        where: this.#where,
        found: `${messages.map(({ role }) => role).join(", ")}: ${messageOf(cause)}`,
        remedy: "send the roles in the order that the model was trained with",
        cause,
      });
    }
  }
}

/**
 * Finds a checkpoint's chat template: chat_template.jinja, then chat_template.json, then tokenizer_config.json.
 * @throws FileError when there is none.
 */
export async function findChatTemplate(folder: string): Promise<{ source: string; where: string }> {
  const jinja = join(folder, "chat_template.jinja");
  const source = await readFile(jinja, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (source !== undefined) return { source, where: jinja };
  for (const name of ["chat_template.json", "tokenizer_config.json"]) {
    const where = join(folder, name);
    const value = await readOptionalJson(where);
    if (value === undefined) continue;
    const { chat_template } = parseFields(
      chatTemplateField,
      value,
      where,
      "use the file that came with the checkpoint",
    );
    const text =
      typeof chat_template === "string"
        ? chat_template
        : chat_template?.find(({ name }) => name === "default")?.template;
    if (text !== undefined) return { source: text, where };
  }
  throw new FileError({
    what: "no chat template",
    where: folder,
    expected: 'chat_template.jinja, or "chat_template" in chat_template.json or tokenizer_config.json',
    remedy: "use an instruction-tuned checkpoint, or put its chat template into chat_template.jinja",
  });
}
