import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FileError } from "../../../src/errors.js";
import { readConfig } from "../../../src/model/checkpoint/config.js";
import { decoderConfigToHuggingFace } from "../../../src/model/checkpoint/config-export.js";
import { referenceFolder, referenceNames, referencesAbsent, temporaryFolder } from "../reference.js";

const llama = {
  model_type: "llama",
  vocab_size: 320,
  hidden_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 160,
  max_position_embeddings: 512,
  bos_token_id: 1,
  eos_token_id: 2,
};

async function configFolder(config: object, generation?: object): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  if (generation) await writeFile(join(folder, "generation_config.json"), JSON.stringify(generation));
  return folder;
}

const read = async (config: object, generation?: object) => readConfig(await configFolder(config, generation));

describe("readConfig", () => {
  it("fills in the defaults that transformers has for a sparse llama config", async () => {
    const config = await read(llama);
    expect(config).toMatchObject({ architecture: "llama", headSize: 16, ropeTheta: 10000, ropeScaling: null });
    expect(config).toMatchObject({ tiedEmbeddings: false, rmsNormEpsilon: 1e-6, attentionBias: false, padId: 2 });
  });

  it("reads the same scaled rope from transformers 4's and 5's fields", async () => {
    const scaling = {
      rope_type: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    };
    const older = await read({ ...llama, rope_theta: 500000, rope_scaling: scaling });
    const newer = await read({ ...llama, rope_parameters: { ...scaling, rope_theta: 500000 } });
    expect(older).toEqual(newer);
    expect(older.ropeTheta).toBe(500000);
    expect(older.ropeScaling).toEqual({
      type: "llama3",
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalContextLength: 64,
    });
  });

  it("reads the oldest name of a linear rope's type", async () => {
    const config = await read({ ...llama, rope_scaling: { type: "linear", factor: 2 } });
    expect(config.ropeScaling).toEqual({ type: "linear", factor: 2 });
  });

  it("lets generation_config.json decide which ids end a response", async () => {
    expect((await read(llama)).eosIds).toEqual([2]);
    expect((await read({ ...llama, eos_token_id: [2, 3] })).eosIds).toEqual([2, 3]);
    expect((await read(llama, { eos_token_id: [5, 2] })).eosIds).toEqual([5, 2]);
  });

  it("gives each architecture its biases and norms", async () => {
    expect(await read({ ...llama, model_type: "qwen2" })).toMatchObject({ attentionBias: true, outputBias: false });
    expect(await read({ ...llama, attention_bias: true })).toMatchObject({ attentionBias: true, outputBias: true });
    expect(await read({ ...llama, model_type: "qwen3" })).toMatchObject({ queryKeyNorm: true, headSize: 128 });
    expect((await read({ ...llama, mlp_bias: true })).mlpBias).toBe(true);
  });

  it("ignores a window that Qwen switches off, and accepts one as long as the context", async () => {
    const qwen = { ...llama, model_type: "qwen2", sliding_window: 64 };
    expect((await read({ ...qwen, use_sliding_window: false })).slidingWindow).toBeNull();
    expect((await read({ ...qwen, use_sliding_window: true, sliding_window: 512 })).slidingWindow).toBe(512);
  });

  it.each([
    ["model_type", { ...llama, model_type: "gpt2" }],
    ["hidden_act", { ...llama, hidden_act: "gelu" }],
    ["vocab_size", { ...llama, vocab_size: undefined }],
    ["rope_scaling.rope_type", { ...llama, rope_scaling: { rope_type: "yarn", factor: 4 } }],
    ["rope_scaling.factor", { ...llama, rope_scaling: { rope_type: "linear" } }],
    ["rope_parameters.partial_rotary_factor", { ...llama, rope_parameters: { partial_rotary_factor: 0.5 } }],
    ["sliding_window", { ...llama, model_type: "mistral", sliding_window: 64 }],
    ["sliding_window", { ...llama, model_type: "qwen3", use_sliding_window: true, sliding_window: 64 }],
    ["num_key_value_heads", { ...llama, num_key_value_heads: 3 }],
    ["eos_token_id", { ...llama, eos_token_id: 320 }],
    ["quantization_config", { ...llama, quantization_config: { bits: 4 } }],
  ])("names the field %s when it cannot be computed", async (field, config) => {
    const folder = await configFolder(config);
    const error = await readConfig(folder).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ where: join(folder, "config.json"), what: expect.stringContaining(field) });
    expect((error as FileError).expected).toBeTruthy();
    expect((error as FileError).found).toBeTruthy();
  });

  it("says which file is missing or is not JSON", async () => {
    const folder = await temporaryFolder();
    await expect(readConfig(folder)).rejects.toThrow(/config\.json: file is missing/);
    await writeFile(join(folder, "config.json"), "{");
    await expect(readConfig(folder)).rejects.toThrow(/config\.json: file is not JSON/);
  });

  it("reads back what decoderConfigToHuggingFace writes", async () => {
    const scaling = { rope_type: "linear", factor: 2 };
    for (const config of [
      await read({ ...llama, rope_scaling: scaling, attention_bias: true, mlp_bias: true, tie_word_embeddings: true }),
      await read({ ...llama, model_type: "qwen2", eos_token_id: [2, 3], pad_token_id: 0 }),
      await read({ ...llama, model_type: "mistral", sliding_window: null, bos_token_id: null }),
    ]) {
      expect(await read(decoderConfigToHuggingFace(config))).toEqual(config);
    }
  });
});

describe.skipIf(referencesAbsent)("readConfig on transformers 5 checkpoints (needs ../shared)", () => {
  it.each(referenceNames)("reads and rewrites %s without loss", async (name) => {
    const config = await readConfig(join(referenceFolder, name));
    expect(config).toMatchObject({ vocabularySize: 320, layers: 2, keyValueHeads: 2, eosIds: [2], padId: 0 });
    expect(config.tiedEmbeddings).toBe(name !== "llama-untied");
    expect(await read(decoderConfigToHuggingFace(config))).toEqual(config);
  });
});
