/**
 * Learns the tiny model's tokenizer from the pretraining world and writes it in Hugging Face's form:
 *
 *     npx tsx models/train-tokenizer.ts
 */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { lexiconKinds, pool } from "../src/synthetic/lexicon.js";
import { generateSftExamples } from "../src/synthetic/sft.js";
import { byteAlphabet, learnMerges, pretokenPattern } from "./bpe.js";

const seed = 20_250_819;
const examples = 16_000;
const vocabularySize = 1024;
const specials = ["<|pad|>", "<|im_start|>", "<|im_end|>"];
const folder = new URL("./tiny/", import.meta.url);

const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

function* texts(): Generator<string> {
  for (const { messages, response } of generateSftExamples({ seed, count: examples })) {
    for (const { role, content } of messages) {
      yield `${role}\n`;
      yield content;
    }
    yield "assistant\n";
    yield response;
  }
}

const openWords = new Set(lexiconKinds.flatMap((kind) => pool(kind, "pretrain")));
const alphabet = byteAlphabet().sort();
const merges = learnMerges(texts(), openWords, vocabularySize - specials.length - alphabet.length);
const tokens = [...specials, ...alphabet, ...merges.map(([left, right]) => left + right)];

const tokenizer = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: specials.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: pretokenPattern }, behavior: "Isolated", invert: false },
      { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
    ],
  },
  post_processor: null,
  decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
  model: {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges,
  },
};

const config = {
  tokenizer_class: "PreTrainedTokenizerFast",
  model_max_length: 1024,
  clean_up_tokenization_spaces: false,
  bos_token: null,
  eos_token: "<|im_end|>",
  pad_token: "<|pad|>",
  unk_token: null,
  chat_template: chatTemplate,
};

await mkdir(folder, { recursive: true });
await writeFile(new URL("tokenizer.json", folder), `${JSON.stringify(tokenizer)}\n`);
await writeFile(new URL("tokenizer_config.json", folder), `${JSON.stringify(config, null, 2)}\n`);
console.log(`${tokens.length} tokens (${new Set(tokens).size} different) in ${fileURLToPath(folder)}`);
