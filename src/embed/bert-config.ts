import { access } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FileError } from "../errors.js";
import { parseFields, readJson, readOptionalJson } from "../json-file.js";

const remedy = "use a sentence encoder with a BERT (all-MiniLM-L6-v2, bge, e5, gte), or its onnx/ file";

const size = z.number().int().positive();

const configSchema = z.looseObject({
  model_type: z.literal("bert"),
  hidden_act: z.literal("gelu"),
  position_embedding_type: z.literal("absolute").optional(),
  hidden_size: size,
  intermediate_size: size,
  num_attention_heads: size,
  num_hidden_layers: size,
  max_position_embeddings: size,
  type_vocab_size: size,
  vocab_size: size,
  layer_norm_eps: z.number().positive(),
});

/** What the encoder's graph needs to know. */
export interface BertConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly heads: number;
  readonly layers: number;
  readonly positions: number;
  readonly tokenTypes: number;
  readonly vocabularySize: number;
  readonly layerNormEpsilon: number;
}

/** Reads config.json of a BERT. @throws FileError. */
export async function readBertConfig(folder: string): Promise<BertConfig> {
  const file = join(folder, "config.json");
  const config = parseFields(configSchema, await readJson(file, remedy), file, remedy);
  if (config.hidden_size % config.num_attention_heads !== 0) {
    throw new FileError({
      what: "the heads do not share the hidden size evenly",
      where: file,
      expected: `a hidden_size that ${config.num_attention_heads} heads divide`,
      found: String(config.hidden_size),
      remedy,
    });
  }
  return {
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    heads: config.num_attention_heads,
    layers: config.num_hidden_layers,
    positions: config.max_position_embeddings,
    tokenTypes: config.type_vocab_size,
    vocabularySize: config.vocab_size,
    layerNormEpsilon: config.layer_norm_eps,
  };
}

/** How token vectors become the text's vector: their mean, or the first one (CLS). */
export type Pooling = "mean" | "first";

export interface SentenceSettings {
  readonly pooling: Pooling;
  /** Maximum number of tokens of a text; longer texts are cut. */
  readonly maxTokens: number;
}

const lengthsSchema = z.looseObject({ max_position_embeddings: size });
const sentenceSchema = z.looseObject({ max_seq_length: size.nullish() });
const poolingSchema = z.looseObject({ pooling_mode_cls_token: z.boolean(), pooling_mode_mean_tokens: z.boolean() });

/** The settings of sentence-transformers where the folder has them, else the mean over all tokens that fit. @throws FileError. */
export async function readSentenceSettings(folder: string): Promise<SentenceSettings> {
  const [configFile, sentenceFile, poolingFile] = [
    join(folder, "config.json"),
    join(folder, "sentence_bert_config.json"),
    join(folder, "1_Pooling", "config.json"),
  ] as const;
  const config = parseFields(lengthsSchema, await readJson(configFile, remedy), configFile, remedy);
  const sentence = parseFields(sentenceSchema, (await readOptionalJson(sentenceFile)) ?? {}, sentenceFile, remedy);
  const maxTokens = Math.min(sentence.max_seq_length ?? config.max_position_embeddings, config.max_position_embeddings);
  const pooled = await readOptionalJson(poolingFile);
  if (pooled === undefined) return { pooling: "mean", maxTokens };
  const { pooling_mode_cls_token: first, pooling_mode_mean_tokens: mean } = parseFields(
    poolingSchema,
    pooled,
    poolingFile,
    remedy,
  );
  if (first === mean) {
    throw new FileError({
      what: "the pooling is not supported",
      where: poolingFile,
      expected: "either pooling_mode_mean_tokens or pooling_mode_cls_token",
      found: first ? "both" : "neither",
      remedy: "use an encoder that pools by the mean or by the first token",
    });
  }
  return { pooling: first ? "first" : "mean", maxTokens };
}

/** Files that a folder may hold under `onnx/`, the whole one before the quantised ones. */
export const onnxFiles = ["model.onnx", "model_fp16.onnx", "model_quantized.onnx", "model_int8.onnx"] as const;

/** The weights that are taken: the file asked for, else safetensors, else the first of `onnxFiles` that is there. @throws FileError. */
export async function findWeights(folder: string, file: string | undefined): Promise<string> {
  const candidates = file === undefined ? ["model.safetensors", ...onnxFiles.map((name) => `onnx/${name}`)] : [file];
  for (const candidate of candidates) {
    const path = join(folder, candidate);
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw new FileError({
    what: "no weights of an encoder in this folder",
    where: folder,
    expected: candidates.join(" or "),
    remedy: "download a sentence encoder, or name its file as `file`",
  });
}
