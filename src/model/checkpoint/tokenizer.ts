import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { FileError, messageOf } from "../../errors.js";
import { parseFields, readJson } from "../../json-file.js";
import { type ChatRenderOptions, ChatTemplate, type ChatTurn, findChatTemplate } from "./chat-template.js";
import { type DecoderConfig, readConfig } from "./config.js";

/** Text and token ids of one checkpoint, both ways. */
export interface ChatTokenizer {
  /** Token ids of a text; nothing is added around it. Control tokens in the text become control ids. */
  encode(text: string): number[];
  decode(ids: readonly number[], options?: { skipSpecial?: boolean }): string;
  /** The chat template's text. Control tokens inside a message or a tool are defused, because they are data. */
  render(messages: readonly ChatTurn[], options?: Partial<ChatRenderOptions>): string;
  /**
   * Ids of the rendered chat with the generation prompt. `reply` is what the reply must begin with.
   * @throws UsageError if the template refuses the messages.
   */
  encodeChat(messages: readonly ChatTurn[], options?: { tools?: readonly object[]; reply?: string }): number[];
  /** Whether the chat template shows tools, and has them called by `<tool_call>` marks. */
  readonly rendersTools: boolean;
  /** Ids that end a response. */
  readonly stopIds: readonly number[];
  readonly padId: number;
}

const remedy = "use the tokenizer files that came with the checkpoint";
const zeroWidthSpace = "\u200b";

const token = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]).nullish();
const tokenizerConfigSchema = z.looseObject({ bos_token: token, eos_token: token, pad_token: token, unk_token: token });
const tokenizerSchema = z.looseObject({ model: z.looseObject({}) });

/** Loads tokenizer.json, tokenizer_config.json, the chat template and the end ids of a checkpoint folder. @throws FileError. */
export async function loadTokenizer(folder: string): Promise<ChatTokenizer> {
  const tokenizerFile = join(folder, "tokenizer.json");
  const settingsFile = join(folder, "tokenizer_config.json");
  const [tokenizerJson, settingsJson, template, config] = await Promise.all([
    readJson(tokenizerFile, remedy),
    readJson(settingsFile, remedy),
    findChatTemplate(folder),
    readConfig(folder),
  ]);
  const settings = parseFields(tokenizerConfigSchema, settingsJson, settingsFile, remedy);
  const tokenizer = build(parseFields(tokenizerSchema, tokenizerJson, tokenizerFile, remedy), settings, tokenizerFile);
  const ids = new SpecialIds(tokenizer, settingsFile);
  const specialTokens: Record<string, string> = {};
  for (const name of ["bos_token", "eos_token", "pad_token", "unk_token"] as const) {
    const text = settings[name];
    if (typeof text !== "string") continue;
    ids.require(name, text);
    specialTokens[name] = text;
  }
  return chatTokenizer(tokenizer, {
    template: new ChatTemplate(template.source, template.where, specialTokens),
    ...endAndPad(config, ids, settings, folder),
  });
}

function build(tokenizerJson: object, settings: object, file: string): Tokenizer {
  try {
    return new Tokenizer(tokenizerJson, settings);
  } catch (cause) {
    throw new FileError({ what: "the tokenizer cannot be built", where: file, found: messageOf(cause), remedy, cause });
  }
}

/** Looks up tokens that the settings name. */
class SpecialIds {
  readonly #tokenizer: Tokenizer;
  readonly #file: string;

  constructor(tokenizer: Tokenizer, file: string) {
    this.#tokenizer = tokenizer;
    this.#file = file;
  }

  require(name: string, text: string): number {
    const id = this.#tokenizer.token_to_id(text);
    if (id !== undefined) return id;
    throw new FileError({
      what: `field "${name}" names a token that the tokenizer does not have`,
      where: this.#file,
      expected: "a token of tokenizer.json",
      found: JSON.stringify(text),
      remedy,
    });
  }
}

function endAndPad(
  config: DecoderConfig,
  ids: SpecialIds,
  settings: z.infer<typeof tokenizerConfigSchema>,
  folder: string,
): { stopIds: number[]; padId: number } {
  const { eos_token: end, pad_token: pad } = settings;
  const stopIds = new Set(config.eosIds);
  if (typeof end === "string") stopIds.add(ids.require("eos_token", end));
  const padId = typeof pad === "string" ? ids.require("pad_token", pad) : config.padId;
  const outside = [...stopIds, padId].find((id) => id >= config.vocabularySize);
  if (stopIds.size === 0 || outside !== undefined) {
    throw new FileError({
      what: stopIds.size === 0 ? "no token ends a response" : "a special token is outside the model's vocabulary",
      where: folder,
      expected: `an end token below ${config.vocabularySize} in generation_config.json, config.json or tokenizer_config.json`,
      ...(outside === undefined ? {} : { found: String(outside) }),
      remedy,
    });
  }
  return { stopIds: [...stopIds], padId };
}

function chatTokenizer(
  tokenizer: Tokenizer,
  parts: { template: ChatTemplate; stopIds: readonly number[]; padId: number },
): ChatTokenizer {
  const control = [...tokenizer.get_added_tokens_decoder().values()]
    .filter((added) => added.special && added.content.length > 1)
    .map((added) => added.content);
  /** A zero-width space inside each control token, so that remembered text cannot end or open a turn. */
  const defuse = (content: string): string =>
    control.reduce(
      (text, special) => text.replaceAll(special, `${special[0]}${zeroWidthSpace}${special.slice(1)}`),
      content,
    );
  /** As `defuse`, of all texts in a value; names of fields are left as they are. */
  const defuseAll = <Value>(value: Value): Value =>
    JSON.parse(JSON.stringify(value), (_, part: unknown) => (typeof part === "string" ? defuse(part) : part)) as Value;
  const encode = (text: string): number[] => [...tokenizer.encode(text, { add_special_tokens: false }).ids];
  const render: ChatTokenizer["render"] = (messages, { addGenerationPrompt = true, tools = [] } = {}) =>
    parts.template.render(
      messages.map(({ role, content, tool_calls }) => ({
        role,
        content: defuse(content),
        ...(tool_calls === undefined ? {} : { tool_calls: defuseAll(tool_calls) }),
      })),
      { addGenerationPrompt, tools: defuseAll(tools) },
    );
  return {
    encode,
    decode: (ids, { skipSpecial = true } = {}) =>
      ids.length === 0
        ? ""
        : tokenizer.decode([...ids], { skip_special_tokens: skipSpecial, clean_up_tokenization_spaces: false }),
    render,
    encodeChat: (messages, { tools = [], reply = "" } = {}) => encode(render(messages, { tools }) + reply),
    rendersTools: parts.template.rendersTools,
    stopIds: parts.stopIds,
    padId: parts.padId,
  };
}
