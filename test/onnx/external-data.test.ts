import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EngineError } from "../../src/errors.js";
import * as o from "../../src/onnx/operators.js";
import { type DType, encode, fileTensor, input } from "../../src/onnx/value.js";
import { runGraph, tensor } from "./run-graph.js";

const weights = [0.5, -1, 2, 3.25, 8, -16];
const x = input("x", "float32", [1, 2]);
const feed = [x, tensor("float32", [1, 2], [1, 10])] as const;

describe("tensors that lie in a file", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "external-data-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** A file with the weights behind `offset` bytes of something else. */
  async function write(offset: number, dtype: DType): Promise<{ file: string; offset: number; bytes: number }> {
    const { buffer, byteOffset, byteLength } = encode(weights, dtype);
    const file = `${dtype}-${offset}.bin`;
    await writeFile(
      join(folder, file),
      Buffer.concat([Buffer.alloc(offset, 0xee), Buffer.from(buffer, byteOffset, byteLength), Buffer.alloc(7, 0xee)]),
    );
    return { file, offset, bytes: byteLength };
  }

  it.each([0, 8, 104, 101, 4096, 4104, 65536])(
    "are read from byte %i of it, aligned to pages or not",
    async (offset) => {
      const w = fileTensor("w", "float32", [2, 3], await write(offset, "float32"));
      const { y, row } = await runGraph([feed], { y: o.matmul(x, w), row: o.add(w, 0) }, { folder });
      expect(row?.data).toEqual(weights);
      expect(y?.data).toEqual([0.5 + 32.5, -1 + 80, 2 - 160]);
    },
  );

  it.each(["float16", "bfloat16"] as const)("are read as %s", async (dtype) => {
    const w = fileTensor("w", dtype, [2, 3], await write(104, dtype));
    const { row } = await runGraph([feed], { row: o.cast(w, "float32") }, { folder });
    expect(row?.data).toEqual(weights);
  });

  it("are refused when the file is missing or too short", async () => {
    const { file, offset, bytes } = await write(104, "float32");
    const missing = fileTensor("w", "float32", [2, 3], { file: "missing.bin", offset: 0, bytes });
    await expect(runGraph([feed], { y: o.matmul(x, missing) }, { folder })).rejects.toThrow(EngineError);
    const short = fileTensor("w", "float32", [2, 3], { file, offset: offset + 16, bytes });
    await expect(runGraph([feed], { y: o.matmul(x, short) }, { folder })).rejects.toThrow(EngineError);
  });
});
