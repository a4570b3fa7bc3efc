import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FileError, UsageError } from "../../../src/errors.js";
import { readHeader, readTensor, writeSafetensors } from "../../../src/model/checkpoint/safetensors.js";
import { temporaryFolder } from "../reference.js";

/** The format by hand, so that the reader is not only checked against our own writer. */
function safetensors(header: unknown, data: Uint8Array): Buffer {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([prefix, json, data]);
}

async function fileOf(content: Uint8Array): Promise<string> {
  const file = join(await temporaryFolder(), "model.safetensors");
  await writeFile(file, content);
  return file;
}

const pair = (start: number, end: number, shape = [2]) => ({ dtype: "F16", shape, data_offsets: [start, end] });

describe("readHeader and readTensor", () => {
  it("read float32, float16, bfloat16 and empty tensors as their values", async () => {
    const data = Buffer.alloc(24);
    [1.5, -2].forEach((value, i) => {
      data.writeFloatLE(value, 4 * i);
    });
    // 1.5, the smallest subnormal, 65504 and minus infinity in binary16; then 1.5 and -2 in bfloat16.
    [0x3e00, 0x0001, 0x7bff, 0xfc00, 0x3fc0, 0xc000].forEach((bits, i) => {
      data.writeUInt16LE(bits, 8 + 2 * i);
    });
    const header = {
      __metadata__: { format: "pt" },
      single: { dtype: "F32", shape: [2, 1], data_offsets: [0, 8] },
      half: pair(8, 16, [4]),
      brain: { dtype: "BF16", shape: [2], data_offsets: [16, 20] },
      none: { dtype: "F32", shape: [0, 7], data_offsets: [20, 20] },
      count: { dtype: "I32", shape: [], data_offsets: [20, 24] },
    };
    const { tensors, metadata } = await readHeader(await fileOf(safetensors(header, data)));
    expect(metadata).toEqual({ format: "pt" });
    expect(readTensor(tensors.get("single")!)).toEqual(Float32Array.of(1.5, -2));
    expect(readTensor(tensors.get("half")!)).toEqual(Float32Array.of(1.5, 2 ** -24, 65504, Number.NEGATIVE_INFINITY));
    expect(readTensor(tensors.get("brain")!)).toEqual(Float32Array.of(1.5, -2));
    expect(readTensor(tensors.get("none")!)).toEqual(new Float32Array(0));
    expect(() => readTensor(tensors.get("count")!)).toThrow(
      /"count" has an unsupported type; expected F32, F16 or BF16/,
    );
  });

  it("say how many bytes a truncated file has, wherever it was cut", async () => {
    const content = safetensors({ a: pair(0, 4) }, Buffer.alloc(4));
    for (const length of [content.length - 1, 20]) {
      const file = await fileOf(content);
      await truncate(file, length);
      const error = await readHeader(file).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FileError);
      expect(error).toMatchObject({ what: "file is truncated", where: file, found: `${length} bytes` });
      expect((error as FileError).expected).toBe(`at least ${content.length - (length === 20 ? 4 : 0)} bytes`);
    }
  });

  it("notice that a file became shorter after its header was read", async () => {
    const file = await fileOf(safetensors({ a: pair(0, 4) }, Buffer.alloc(4)));
    const { tensors } = await readHeader(file);
    await truncate(file, 10);
    expect(() => readTensor(tensors.get("a")!)).toThrow(FileError);
  });

  it.each([
    ["an empty file", Buffer.alloc(0), /not a safetensors file/],
    ["a length prefix beyond the format's limit", Buffer.alloc(64, 0xff), /not a safetensors file/],
    ["a header that is not JSON", safetensors("{nonsense", Buffer.alloc(0)), /header is not JSON/],
    ["a header that is a list", safetensors([1], Buffer.alloc(0)), /is wrong/],
    ["an unknown type", safetensors({ a: { ...pair(0, 4), dtype: "F4" } }, Buffer.alloc(4)), /"a.dtype" is wrong/],
    ["a negative offset", safetensors({ a: pair(-4, 0) }, Buffer.alloc(4)), /"a.data_offsets.0" is wrong/],
    [
      "offsets that disagree with the shape",
      safetensors({ a: pair(0, 6) }, Buffer.alloc(6)),
      /disagree with its shape/,
    ],
    ["a gap", safetensors({ a: pair(0, 4), b: pair(6, 10) }, Buffer.alloc(10)), /"b" leaves a gap or overlaps/],
    ["an overlap", safetensors({ a: pair(0, 4), b: pair(2, 6) }, Buffer.alloc(6)), /"b" leaves a gap or overlaps/],
    ["bytes after the last tensor", safetensors({ a: pair(0, 4) }, Buffer.alloc(9)), /belong to no tensor/],
  ])("refuse %s", async (_, content, message) => {
    const file = await fileOf(content);
    const error = await readHeader(file).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect((error as FileError).message).toMatch(message);
    expect((error as FileError).where).toBe(file);
  });

  it("say that a file is missing", async () => {
    await expect(readHeader(join(await temporaryFolder(), "none"))).rejects.toThrow(/file is missing/);
  });
});

describe("writeSafetensors", () => {
  const tensors = new Map([
    ["b", { dtype: "F16" as const, shape: [3], data: Float32Array.of(1, -0.1, 1e-7) }],
    ["a", { dtype: "F32" as const, shape: [1, 2], data: Float32Array.of(0.1, 3) }],
  ]);

  it("writes what the reader reads, rounding float16 to the nearest value", async () => {
    const file = join(await temporaryFolder(), "x.safetensors");
    await writeSafetensors(file, tensors, { format: "pt" });
    const header = await readHeader(file);
    expect(header.metadata).toEqual({ format: "pt" });
    expect(header.tensors.get("a")).toMatchObject({ dtype: "F32", shape: [1, 2] });
    expect(readTensor(header.tensors.get("a")!)).toEqual(Float32Array.of(0.1, 3));
    const half = readTensor(header.tensors.get("b")!);
    expect(half[1]).toBe(-0.0999755859375);
    expect(half[2]).toBe(2 * 2 ** -24);
  });

  it("gives the same bytes whatever the order of the tensors, aligned to 8 bytes", async () => {
    const folder = await temporaryFolder();
    await writeSafetensors(join(folder, "1"), tensors);
    await writeSafetensors(join(folder, "2"), new Map([...tensors].reverse()));
    const bytes = await readFile(join(folder, "1"));
    expect(bytes.equals(await readFile(join(folder, "2")))).toBe(true);
    expect(Number(bytes.readBigUInt64LE()) % 8).toBe(0);
  });

  it("leaves the old file whole and nothing else behind when writing fails", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "x.safetensors");
    await writeSafetensors(file, tensors);
    const before = await readFile(file);
    const broken = { dtype: "F16" as const, shape: [1], data: Float32Array.of(1) };
    Object.defineProperty(broken, "data", { get: failsWhenRead() });
    await expect(writeSafetensors(file, new Map([["a", broken]]))).rejects.toThrow("read failed");
    expect((await readFile(file)).equals(before)).toBe(true);
    expect(await readdir(folder)).toEqual(["x.safetensors"]);
  });

  it("refuses data that does not fill its shape", async () => {
    const wrong = new Map([["a", { dtype: "F32" as const, shape: [2, 2], data: new Float32Array(3) }]]);
    await expect(writeSafetensors(join(await temporaryFolder(), "x"), wrong)).rejects.toThrow(UsageError);
  });
});

/** Succeeds while the header is laid out, then fails while the data is written. */
function failsWhenRead(): () => Float32Array {
  let reads = 0;
  return () => {
    reads++;
    if (reads > 1) throw new Error("read failed");
    return Float32Array.of(1);
  };
}
