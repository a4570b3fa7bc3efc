import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bertTensors } from "../../src/embed/bert.js";
import { readBertConfig } from "../../src/embed/bert-config.js";
import { writeSafetensors } from "../../src/model/checkpoint/safetensors.js";
import { Random } from "../../src/random.js";

const words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "ana", "lives", "in", "oslo", "has", "a", "cat", "where", "?"];

const config = {
  model_type: "bert",
  hidden_act: "gelu",
  hidden_size: 8,
  intermediate_size: 12,
  num_attention_heads: 2,
  num_hidden_layers: 2,
  max_position_embeddings: 10,
  type_vocab_size: 2,
  vocab_size: words.length,
  layer_norm_eps: 1e-12,
};

const tokenizer = {
  version: "1.0",
  added_tokens: ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "[CLS]", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "[SEP]", type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
      "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
    },
  },
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(words.map((word, id) => [word, id])),
  },
};

/** Writes a BERT of two layers with random weights, and gives them back. */
export async function writeTinyBert(folder: string, changes: object = {}): Promise<Map<string, Float32Array>> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, ...changes }));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify({ tokenizer_class: "BertTokenizer" }));
  const random = new Random(3);
  const weights = new Map<string, Float32Array>();
  const tensors = new Map<string, { dtype: "F32"; shape: readonly number[]; data: Float32Array }>();
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  for (const [name, shape] of bertTensors(await readBertConfig(folder))) {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.next() * 2 - 1);
    weights.set(name, data);
    tensors.set(name, { dtype: "F32", shape, data });
  }
  await writeSafetensors(join(folder, "model.safetensors"), tensors);
  await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, ...changes }));
  return weights;
}
