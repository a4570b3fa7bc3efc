import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Encoder } from "../../src/embed/encoder.js";
import { EngineError } from "../../src/errors.js";
import type { Device } from "../../src/onnx/device.js";
import { writeTinyBert } from "./tiny-bert.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bert-"));
  await writeTinyBert(folder);
});

afterAll(() => rm(folder, { recursive: true }));

test.each<[Device, number | undefined, number]>([
  ["cpu", undefined, Math.min(8, availableParallelism())],
  ["cuda", undefined, 1],
  ["cpu", 3, 3],
  ["cuda", 3, 3],
])("an encoder on %s whose threads are %s tells the runtime %i", async (device, threads, told) => {
  const create = vi.spyOn(InferenceSession, "create").mockRejectedValueOnce(new Error("not opened in this test"));
  const options = { folder, device, ...(threads === undefined ? {} : { threads }) };
  await expect(Encoder.open(options)).rejects.toThrow(EngineError);
  expect(create).toHaveBeenCalledWith(expect.anything(), expect.objectContaining({ intraOpNumThreads: told }));
  create.mockRestore();
});
