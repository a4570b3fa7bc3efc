import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FileError, UsageError } from "../../../src/errors.js";
import { type AdapterFiles, readAdapter, writeAdapter } from "../../../src/model/checkpoint/adapter-files.js";
import { readConfig } from "../../../src/model/checkpoint/config.js";
import { writeSafetensors } from "../../../src/model/checkpoint/safetensors.js";
import { requiredTensors } from "../../../src/model/checkpoint/weights.js";
import { referenceFolder, referenceNames, referencesAbsent, temporaryFolder } from "../reference.js";

const adapter: AdapterFiles = {
  rank: 2,
  alpha: 4,
  tensors: new Map([
    ["model.layers.0.self_attn.q_proj", { A: Float32Array.of(1, 2, 3, 4, 5, 6), B: Float32Array.of(1, 2, 3, 4) }],
    ["model.layers.0.mlp.up_proj", { A: Float32Array.of(0.5, 1.5), B: Float32Array.of(-1, 0.1) }],
  ]),
};

async function written(change: object = {}): Promise<string> {
  const folder = join(await temporaryFolder(), "adapter");
  await writeAdapter(folder, adapter);
  const file = join(folder, "adapter_config.json");
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), ...change }));
  return folder;
}

describe("writeAdapter and readAdapter", () => {
  it("give an adapter back unchanged", async () => {
    expect(await readAdapter(await written())).toEqual({ ...adapter, targetModules: ["q_proj", "up_proj"] });
  });

  it("replace an older adapter and leave nothing else beside it", async () => {
    const parent = await temporaryFolder();
    const folder = join(parent, "adapter");
    await writeAdapter(folder, { ...adapter, alpha: 1 });
    await writeAdapter(folder, adapter);
    expect((await readAdapter(folder)).alpha).toBe(4);
    expect(await readdir(parent)).toEqual(["adapter"]);
    expect((await readdir(folder)).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
  });

  it("keep the older adapter when the new one cannot be written", async () => {
    const parent = await temporaryFolder();
    const folder = join(parent, "adapter");
    await writeAdapter(folder, adapter);
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    await expect(writeAdapter(folder, { ...adapter, baseModel: cyclic as unknown as string })).rejects.toThrow();
    expect((await readAdapter(folder)).alpha).toBe(4);
    expect(await readdir(parent)).toEqual(["adapter"]);
  });

  it.each([
    ["use_dora", true],
    ["use_rslora", true],
    ["bias", "all"],
    ["modules_to_save", ["lm_head"]],
    ["rank_pattern", { q_proj: 8 }],
    ["alpha_pattern", { q_proj: 8 }],
    ["fan_in_fan_out", true],
    ["trainable_token_indices", [3]],
    ["peft_type", "IA3"],
    ["r", 0],
  ])("refuse the option %s = %j by its name", async (option, value) => {
    const folder = await written({ [option]: value });
    const error = await readAdapter(folder).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ where: join(folder, "adapter_config.json"), found: JSON.stringify(value) });
    expect((error as FileError).what).toContain(option);
  });

  it("accept options that are spelled out but off", async () => {
    const folder = await written({ use_dora: false, rank_pattern: {}, modules_to_save: [], lora_dropout: 0.1 });
    expect((await readAdapter(folder)).rank).toBe(2);
  });

  it("refuse a rank that disagrees with the tensors, a lone half, and foreign tensors", async () => {
    await expect(readAdapter(await written({ r: 3 }))).rejects.toThrow(
      /lora_A" has the wrong shape; expected \[3, in\]/,
    );
    const folder = await written();
    const write = (name: string) =>
      writeSafetensors(
        join(folder, "adapter_model.safetensors"),
        new Map([[name, { dtype: "F32" as const, shape: [2, 1], data: new Float32Array(2) }]]),
      );
    await write("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight");
    await expect(readAdapter(folder)).rejects.toThrow(/"model.layers.0.mlp.up_proj.lora_B" is missing/);
    await write("base_model.model.lm_head.weight");
    await expect(readAdapter(folder)).rejects.toThrow(/does not belong to a LoRA adapter/);
  });

  it("refuse to write values that do not fit the rank", async () => {
    const folder = join(await temporaryFolder(), "adapter");
    await expect(writeAdapter(folder, { ...adapter, rank: 4 })).rejects.toThrow(UsageError);
  });

  it("name the file that an incomplete folder lacks", async () => {
    const folder = await temporaryFolder();
    await expect(readAdapter(folder)).rejects.toThrow(/adapter_config\.json: file is missing/);
    await copyFile(join(await written(), "adapter_config.json"), join(folder, "adapter_config.json"));
    await expect(readAdapter(folder)).rejects.toThrow(/adapter_model\.safetensors: file is missing/);
  });
});

describe.skipIf(referencesAbsent)("readAdapter on peft 0.21's files (needs ../shared)", () => {
  it.each(referenceNames)("reads all seven linear layers of %s with their sizes, and rewrites them", async (name) => {
    const folder = join(referenceFolder, name);
    const found = await readAdapter(join(folder, "adapter"));
    expect(found).toMatchObject({ rank: 4, alpha: 8 });
    expect(found.targetModules).toHaveLength(7);
    const shapes = requiredTensors(await readConfig(folder));
    expect(found.tensors.size).toBe(14);
    for (const [layer, { A, B }] of found.tensors) {
      const [out, into] = shapes.get(`${layer}.weight`)!;
      expect([B.length, A.length]).toEqual([out! * 4, into! * 4]);
    }
    const copy = join(await temporaryFolder(), "adapter");
    await writeAdapter(copy, { ...found, baseModel: name });
    expect(await readAdapter(copy)).toEqual(found);
  });
});
