import { join } from "node:path";
import { z } from "zod";
import { FileError } from "../../errors.js";
import { parseFields, readJson, readOptionalJson } from "../../json-file.js";

export type Architecture = "llama" | "qwen2" | "qwen3" | "mistral";

/** How rotary frequencies are stretched for long contexts; null is the plain form. */
export type RopeScaling =
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalContextLength: number;
    }
  | { readonly type: "linear"; readonly factor: number };

/** One shape for every supported decoder: differences between architectures are fields here, not branches elsewhere. */
export interface DecoderConfig {
  readonly architecture: Architecture;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly intermediateSize: number;
  readonly rmsNormEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
  readonly tiedEmbeddings: boolean;
  /** Biases of the query, key and value projections. */
  readonly attentionBias: boolean;
  /** Bias of the attention's output projection. */
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** RMS norms on each head's queries and keys. */
  readonly queryKeyNorm: boolean;
  /** Tokens. */
  readonly contextLength: number;
  /** Tokens; never shorter than the context, so attention is always full. */
  readonly slidingWindow: number | null;
  readonly bosId: number | null;
  /** Ids that end a response; generation_config.json has the last word. */
  readonly eosIds: readonly number[];
  /** Fills masked slots; the first end id where the checkpoint names none. */
  readonly padId: number;
}

const count = z.number().int().positive();
const id = z.number().int().nonnegative();
const ids = z.union([id, z.array(id)]).nullish();
const flag = z.boolean().nullish();

const ropeSchema = z.object({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: z.number().positive().nullish(),
  factor: z.number().positive().nullish(),
  low_freq_factor: z.number().positive().nullish(),
  high_freq_factor: z.number().positive().nullish(),
  original_max_position_embeddings: count.nullish(),
  partial_rotary_factor: z.number().nullish(),
});

const configSchema = z.object({
  model_type: z.enum(["llama", "qwen2", "qwen3", "mistral"]),
  vocab_size: count,
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  intermediate_size: count,
  hidden_act: z.literal("silu").default("silu"),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: flag,
  mlp_bias: flag,
  max_position_embeddings: count,
  use_sliding_window: flag,
  sliding_window: count.nullish(),
  layer_types: z.array(z.string()).nullish(),
  bos_token_id: id.nullish(),
  eos_token_id: ids,
  pad_token_id: id.nullish(),
  quantization_config: z.null().optional(),
});
type HuggingFaceConfig = z.infer<typeof configSchema>;

const generationSchema = z.object({ eos_token_id: ids, bos_token_id: id.nullish(), pad_token_id: id.nullish() });

const remedy =
  "use an unquantised Llama, Qwen2, Qwen3 or Mistral checkpoint in Hugging Face form, with silu and full attention";

/** Reads config.json (and generation_config.json, where present). @throws FileError naming the field that is unsupported. */
export async function readConfig(folder: string): Promise<DecoderConfig> {
  const file = join(folder, "config.json");
  const config = parseFields(
    configSchema,
    await readJson(file, "pass a folder that holds a Hugging Face checkpoint"),
    file,
    remedy,
  );
  const generationFile = join(folder, "generation_config.json");
  const generation = parseFields(
    generationSchema,
    (await readOptionalJson(generationFile)) ?? {},
    generationFile,
    remedy,
  );
  const eosIds = [generation.eos_token_id ?? config.eos_token_id ?? []].flat();
  return normalise(config, file, {
    eosIds,
    bosId: config.bos_token_id ?? generation.bos_token_id ?? null,
    padId: config.pad_token_id ?? generation.pad_token_id ?? eosIds[0] ?? 0,
  });
}

function normalise(
  config: HuggingFaceConfig,
  file: string,
  special: Pick<DecoderConfig, "eosIds" | "bosId" | "padId">,
): DecoderConfig {
  const architecture = config.model_type;
  const heads = config.num_attention_heads;
  const keyValueHeads = config.num_key_value_heads ?? (architecture === "mistral" ? 8 : heads);
  // Qwen3's own default; the others divide the hidden size.
  const headSize = config.head_dim ?? (architecture === "qwen3" ? 128 : config.hidden_size / heads);
  const check = (ok: boolean, field: string, expected: string, found: unknown): void => {
    if (ok) return;
    throw new FileError({ what: `field "${field}" is wrong`, where: file, expected, found: String(found), remedy });
  };
  check(heads % keyValueHeads === 0, "num_key_value_heads", `a divisor of ${heads} heads`, keyValueHeads);
  check(Number.isInteger(headSize), "hidden_size", `a multiple of ${heads} heads`, config.hidden_size);
  check(headSize % 2 === 0, "head_dim", "an even number, for rotary pairs", headSize);
  for (const token of [...special.eosIds, special.padId, special.bosId ?? 0]) {
    check(token < config.vocab_size, "eos_token_id, bos_token_id or pad_token_id", `below ${config.vocab_size}`, token);
  }
  const slidingWindow = activeWindow(config);
  const contextLength = config.max_position_embeddings;
  check(
    slidingWindow === null || slidingWindow >= contextLength,
    "sliding_window",
    `null, or at least the context of ${contextLength} tokens`,
    slidingWindow,
  );
  const allBiases = (architecture === "llama" || architecture === "qwen3") && (config.attention_bias ?? false);
  return {
    architecture,
    vocabularySize: config.vocab_size,
    hiddenSize: config.hidden_size,
    layers: config.num_hidden_layers,
    heads,
    keyValueHeads,
    headSize,
    intermediateSize: config.intermediate_size,
    rmsNormEpsilon: config.rms_norm_eps,
    ropeTheta: config.rope_parameters?.rope_theta ?? config.rope_theta ?? 10_000,
    ropeScaling: ropeScaling(config, check),
    tiedEmbeddings: config.tie_word_embeddings,
    attentionBias: architecture === "qwen2" || allBiases,
    outputBias: allBiases,
    mlpBias: architecture === "llama" && (config.mlp_bias ?? false),
    queryKeyNorm: architecture === "qwen3",
    contextLength,
    slidingWindow,
    ...special,
  };
}

/** Qwen names a window and switches it off; Mistral's is on unless null. */
function activeWindow(config: HuggingFaceConfig): number | null {
  switch (config.model_type) {
    case "llama":
      return null;
    case "mistral":
      return config.sliding_window === undefined ? 4096 : config.sliding_window;
    case "qwen2":
    case "qwen3": {
      const used = config.use_sliding_window ?? false;
      const someLayer = config.layer_types?.includes("sliding_attention") ?? true;
      return used && someLayer ? (config.sliding_window ?? 4096) : null;
    }
  }
}

function ropeScaling(
  config: HuggingFaceConfig,
  check: (ok: boolean, field: string, expected: string, found: unknown) => void,
): RopeScaling | null {
  const field = config.rope_parameters ? "rope_parameters" : "rope_scaling";
  const rope = config.rope_parameters ?? config.rope_scaling;
  if (!rope) return null;
  check((rope.partial_rotary_factor ?? 1) === 1, `${field}.partial_rotary_factor`, "1", rope.partial_rotary_factor);
  const type = rope.rope_type ?? rope.type ?? "default";
  const need = (
    name: "factor" | "low_freq_factor" | "high_freq_factor" | "original_max_position_embeddings",
  ): number => {
    const value = rope[name];
    check(typeof value === "number", `${field}.${name}`, `a number, for rope type ${type}`, value);
    return value ?? Number.NaN;
  };
  if (type === "linear") return { type, factor: need("factor") };
  if (type === "llama3") {
    return {
      type,
      factor: need("factor"),
      lowFrequencyFactor: need("low_freq_factor"),
      highFrequencyFactor: need("high_freq_factor"),
      originalContextLength: need("original_max_position_embeddings"),
    };
  }
  check(type === "default", `${field}.rope_type`, "default, linear or llama3", type);
  return null;
}
