import type { Architecture, DecoderConfig } from "./config.js";

const modelClass: { [K in Architecture]: string } = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
  mistral: "MistralForCausalLM",
};

/** The content of a config.json that transformers (4.43 and later) and `readConfig` read as this decoder. */
export function decoderConfigToHuggingFace(config: DecoderConfig): Record<string, unknown> {
  return {
    architectures: [modelClass[config.architecture]],
    model_type: config.architecture,
    vocab_size: config.vocabularySize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headSize,
    hidden_act: "silu",
    max_position_embeddings: config.contextLength,
    rms_norm_eps: config.rmsNormEpsilon,
    rope_theta: config.ropeTheta,
    rope_scaling: ropeScalingFields(config),
    tie_word_embeddings: config.tiedEmbeddings,
    attention_bias: config.outputBias,
    mlp_bias: config.mlpBias,
    sliding_window: config.slidingWindow,
    use_sliding_window: config.slidingWindow !== null,
    bos_token_id: config.bosId,
    eos_token_id: config.eosIds.length === 1 ? config.eosIds[0] : config.eosIds,
    pad_token_id: config.padId,
    torch_dtype: "float32",
  };
}

function ropeScalingFields({ ropeScaling }: DecoderConfig): Record<string, unknown> | null {
  if (ropeScaling === null) return null;
  if (ropeScaling.type === "linear") return { rope_type: "linear", factor: ropeScaling.factor };
  return {
    rope_type: "llama3",
    factor: ropeScaling.factor,
    low_freq_factor: ropeScaling.lowFrequencyFactor,
    high_freq_factor: ropeScaling.highFrequencyFactor,
    original_max_position_embeddings: ropeScaling.originalContextLength,
  };
}
