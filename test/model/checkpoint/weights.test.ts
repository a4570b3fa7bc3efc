import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FileError } from "../../../src/errors.js";
import { type DecoderConfig, readConfig } from "../../../src/model/checkpoint/config.js";
import {
  readHeader,
  readTensor,
  type TensorData,
  writeSafetensors,
} from "../../../src/model/checkpoint/safetensors.js";
import { openCheckpoint, requiredTensors } from "../../../src/model/checkpoint/weights.js";
import { realCheckpoint, referenceFolder, referenceNames, referencesAbsent, temporaryFolder } from "../reference.js";

const tiny: DecoderConfig = {
  architecture: "llama",
  vocabularySize: 8,
  hiddenSize: 4,
  layers: 1,
  heads: 2,
  keyValueHeads: 1,
  headSize: 2,
  intermediateSize: 6,
  rmsNormEpsilon: 1e-6,
  ropeTheta: 10000,
  ropeScaling: null,
  tiedEmbeddings: true,
  attentionBias: false,
  outputBias: false,
  mlpBias: false,
  queryKeyNorm: false,
  contextLength: 16,
  slidingWindow: null,
  bosId: null,
  eosIds: [0],
  padId: 0,
};

function zeros(config: DecoderConfig): Map<string, TensorData> {
  const tensors = new Map<string, TensorData>();
  for (const [name, shape] of requiredTensors(config)) {
    const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
    tensors.set(name, { dtype: "F32", shape, data });
  }
  return tensors;
}

async function folderOf(tensors: ReadonlyMap<string, TensorData>): Promise<string> {
  const folder = await temporaryFolder();
  await writeSafetensors(join(folder, "model.safetensors"), tensors);
  return folder;
}

describe("openCheckpoint", () => {
  it("opens a single file and reads each tensor's place", async () => {
    const checkpoint = await openCheckpoint(await folderOf(zeros(tiny)), tiny);
    expect(checkpoint.tensors.get("model.layers.0.mlp.down_proj.weight")).toMatchObject({ shape: [4, 6], bytes: 96 });
  });

  it("opens shards by their index", async () => {
    const folder = await temporaryFolder();
    const tensors = [...zeros(tiny)];
    const weight_map: Record<string, string> = {};
    for (const [part, shard] of [tensors.slice(0, 3), tensors.slice(3)].entries()) {
      const name = `model-0000${part + 1}-of-00002.safetensors`;
      await writeSafetensors(join(folder, name), new Map(shard));
      for (const [tensor] of shard) weight_map[tensor] = name;
    }
    await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ metadata: {}, weight_map }));
    const checkpoint = await openCheckpoint(folder, tiny);
    expect([...checkpoint.tensors.keys()].sort()).toEqual(tensors.map(([name]) => name).sort());
    expect(checkpoint.tensors.get("model.norm.weight")?.file).toBe(join(folder, "model-00002-of-00002.safetensors"));
  });

  it("never follows an index out of the checkpoint's folder", async () => {
    const outside = await folderOf(zeros(tiny));
    const folder = join(outside, "checkpoint");
    await mkdir(folder);
    const index = { weight_map: { "model.norm.weight": "../model.safetensors" } };
    await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify(index));
    await expect(openCheckpoint(folder, tiny)).rejects.toThrow(/in the same folder; found "\.\.\/model\.safetensors"/);
  });

  it("names a missing tensor and the shape that it should have", async () => {
    const tensors = zeros(tiny);
    tensors.delete("model.layers.0.self_attn.k_proj.weight");
    const folder = await folderOf(tensors);
    const error = await openCheckpoint(folder, tiny).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({
      what: 'tensor "model.layers.0.self_attn.k_proj.weight" is missing',
      where: folder,
      expected: "shape [2, 4]",
    });
  });

  it("needs the language-model head, biases and head norms only where the config says so", async () => {
    const folder = await folderOf(zeros(tiny));
    const missing = async (change: Partial<DecoderConfig>) => openCheckpoint(folder, { ...tiny, ...change });
    await expect(missing({ tiedEmbeddings: false })).rejects.toThrow(/"lm_head.weight" is missing/);
    await expect(missing({ attentionBias: true })).rejects.toThrow(/"model.layers.0.self_attn.q_proj.bias" is missing/);
    await expect(missing({ outputBias: true })).rejects.toThrow(/"model.layers.0.self_attn.o_proj.bias" is missing/);
    await expect(missing({ mlpBias: true })).rejects.toThrow(/"model.layers.0.mlp.gate_proj.bias" is missing/);
    await expect(missing({ queryKeyNorm: true })).rejects.toThrow(
      /"model.layers.0.self_attn.q_norm.weight" is missing/,
    );
  });

  it("shows both shapes of a tensor that has the wrong one", async () => {
    const folder = await folderOf(zeros(tiny));
    await expect(openCheckpoint(folder, { ...tiny, vocabularySize: 9 })).rejects.toThrow(
      /model\.safetensors: tensor "model.embed_tokens.weight" has the wrong shape; expected \[9, 4\]; found \[8, 4\]/,
    );
  });

  it("says which files it looked for in a folder without weights", async () => {
    await expect(openCheckpoint(await temporaryFolder(), tiny)).rejects.toThrow(/model\.safetensors\.index\.json/);
  });
});

describe.skipIf(referencesAbsent)("openCheckpoint on transformers' files (needs ../shared)", () => {
  it.each(referenceNames)("finds exactly the tensors of %s", async (name) => {
    const folder = join(referenceFolder, name);
    const config = await readConfig(folder);
    const { tensors } = await openCheckpoint(folder, config);
    expect([...tensors.keys()].sort()).toEqual([...requiredTensors(config).keys()].sort());
  });

  it("rewrites a checkpoint with the same values", async () => {
    const { tensors } = await readHeader(join(referenceFolder, "qwen2-tied-bias", "model.safetensors"));
    const copy = new Map<string, TensorData>();
    for (const [name, info] of tensors) copy.set(name, { dtype: "F32", shape: info.shape, data: readTensor(info) });
    const file = join(await temporaryFolder(), "model.safetensors");
    await writeSafetensors(file, copy, { format: "pt" });
    const again = await readHeader(file);
    for (const [name, info] of tensors) {
      expect(readTensor(again.tensors.get(name)!)).toEqual(readTensor(info));
    }
  });

  it("reports a copy that was cut short by its sizes", async () => {
    const source = join(referenceFolder, "llama-untied");
    const folder = await temporaryFolder();
    await copyFile(join(source, "config.json"), join(folder, "config.json"));
    const bytes = await readFile(join(source, "model.safetensors"));
    await writeFile(join(folder, "model.safetensors"), bytes.subarray(0, bytes.length - 100));
    await expect(openCheckpoint(folder, await readConfig(folder))).rejects.toThrow(
      new RegExp(`truncated; expected at least ${bytes.length} bytes; found ${bytes.length - 100} bytes`),
    );
  });
});

const smollm = realCheckpoint("SmolLM2-135M-Instruct");

describe.skipIf(smollm === undefined)("openCheckpoint on SmolLM2 (needs .models)", () => {
  it("finds every tensor of a real float16 checkpoint", async () => {
    const config = await readConfig(smollm!);
    const { tensors } = await openCheckpoint(smollm!, config);
    expect(config).toMatchObject({ architecture: "llama", layers: 30, tiedEmbeddings: true });
    const norm = readTensor(tensors.get("model.norm.weight")!);
    expect(norm.length).toBe(config.hiddenSize);
    expect(norm.every(Number.isFinite)).toBe(true);
  });
});
