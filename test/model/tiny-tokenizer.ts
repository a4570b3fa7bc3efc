import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** GPT-2's map from bytes to printable characters, by its definition. */
function byteCharacters(): string[] {
  const printable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

export const special = ["<|im_start|>", "<|im_end|>", "<pad>"] as const;

const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** A byte-level BPE checkpoint folder without merges: ids 0 to 255 are bytes, 256 to 258 the special tokens. */
export async function writeTinyTokenizer(
  folder: string,
  change: { tokenizerConfig?: object; config?: object; template?: string | null } = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const write = (name: string, value: object): Promise<void> => writeFile(join(folder, name), JSON.stringify(value));
  await write("tokenizer.json", {
    version: "1.0",
    added_tokens: special.map((content, index) => ({
      id: 256 + index,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(byteCharacters().map((character, byte) => [character, byte])),
      merges: [],
    },
  });
  const template = change.template === undefined ? chatTemplate : change.template;
  await write("tokenizer_config.json", {
    tokenizer_class: "PreTrainedTokenizerFast",
    eos_token: "<|im_end|>",
    pad_token: { content: "<pad>", special: true },
    ...(template === null ? {} : { chat_template: template }),
    ...change.tokenizerConfig,
  });
  await write("config.json", {
    model_type: "llama",
    vocab_size: 259,
    hidden_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 8,
    max_position_embeddings: 64,
    ...change.config,
  });
  return folder;
}
