/** The safetensors format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes without gaps. */

import { closeSync, openSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";
import { writeAtomic } from "../../atomic-file.js";
import { FileError, UsageError } from "../../errors.js";
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from "../../half.js";
import { hasCode, parseFields } from "../../json-file.js";

const elementBytes = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const;

export type TensorType = keyof typeof elementBytes;

/** Where one tensor's bytes lie. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: TensorType;
  readonly shape: readonly number[];
  readonly file: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface SafetensorsHeader {
  readonly tensors: Map<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface TensorData {
  readonly dtype: "F32" | "F16";
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The format's own limit; a larger length prefix means that the file is something else. */
const maximumHeaderBytes = 100_000_000;
const maximumReadBytes = 2 ** 30;
const again = "download or write the file again";

const size = z.number().int().nonnegative();
const headerSchema = z.record(
  z.string(),
  z.object({
    dtype: z.enum(Object.keys(elementBytes) as [TensorType, ...TensorType[]]),
    shape: z.array(size),
    data_offsets: z.tuple([size, size]),
  }),
);
const metadataSchema = z.record(z.string(), z.string()).optional();

const elements = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Reads and checks the header: known types, sizes that agree with shapes, and bytes that fill the file exactly. @throws FileError. */
export async function readHeader(file: string): Promise<SafetensorsHeader> {
  let handle: FileHandle;
  try {
    handle = await open(file, "r");
  } catch (cause) {
    const what = hasCode(cause, "ENOENT") ? "file is missing" : "file cannot be read";
    throw new FileError({ what, where: file, remedy: "check the path and its permissions", cause });
  }
  try {
    const fileBytes = (await handle.stat()).size;
    const headerBytes = await readHeaderLength(handle, file, fileBytes);
    const buffer = Buffer.alloc(headerBytes);
    await handle.read(buffer, 0, headerBytes, 8);
    return checkHeader(parseHeader(buffer, file), file, 8 + headerBytes, fileBytes);
  } finally {
    await handle.close();
  }
}

async function readHeaderLength(handle: FileHandle, file: string, fileBytes: number): Promise<number> {
  const prefix = Buffer.alloc(8);
  await handle.read(prefix, 0, 8, 0);
  const length = Number(prefix.readBigUInt64LE());
  if (fileBytes < 10 || length < 2 || length > maximumHeaderBytes) {
    throw new FileError({
      what: "not a safetensors file",
      where: file,
      expected: `a header length between 2 and ${maximumHeaderBytes} bytes`,
      found: fileBytes < 8 ? `a file of ${fileBytes} bytes` : `${length} in a file of ${fileBytes} bytes`,
      remedy: again,
    });
  }
  if (8 + length > fileBytes) throw truncated(file, 8 + length, fileBytes);
  return length;
}

const truncated = (file: string, expected: number, found: number): FileError =>
  new FileError({
    what: "file is truncated",
    where: file,
    expected: `at least ${expected} bytes`,
    found: `${found} bytes`,
    remedy: again,
  });

function parseHeader(buffer: Buffer, file: string): unknown {
  try {
    return JSON.parse(buffer.toString("utf8"));
  } catch (cause) {
    throw new FileError({ what: "the safetensors header is not JSON", where: file, remedy: again, cause });
  }
}

function checkHeader(value: unknown, file: string, dataStart: number, fileBytes: number): SafetensorsHeader {
  const { __metadata__: metadata, ...entries } = parseFields(z.record(z.string(), z.unknown()), value, file, again);
  const tensors = Object.entries(parseFields(headerSchema, entries, file, again)).map(([name, entry]) => {
    const [start, end] = entry.data_offsets;
    const bytes = elements(entry.shape) * elementBytes[entry.dtype];
    if (end - start !== bytes) {
      throw new FileError({
        what: `tensor "${name}" has offsets that disagree with its shape`,
        where: file,
        expected: `${bytes} bytes for ${entry.dtype} [${entry.shape.join(", ")}]`,
        found: `${end - start} bytes`,
        remedy: again,
      });
    }
    return { name, dtype: entry.dtype, shape: entry.shape, file, offset: dataStart + start, bytes };
  });
  let next = dataStart;
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (tensor.offset !== next) {
      throw new FileError({
        what: `tensor "${tensor.name}" leaves a gap or overlaps another tensor`,
        where: file,
        expected: `its bytes at ${next}`,
        found: `${tensor.offset}`,
        remedy: again,
      });
    }
    next += tensor.bytes;
  }
  if (next > fileBytes) throw truncated(file, next, fileBytes);
  if (next < fileBytes) {
    const what = "file has bytes that belong to no tensor";
    throw new FileError({ what, where: file, expected: `${next} bytes`, found: `${fileBytes} bytes`, remedy: again });
  }
  return {
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    metadata: parseFields(metadataSchema, metadata, file, again) ?? {},
  };
}

/** A tensor's bytes as they are in the file, in a buffer of their own. @throws FileError when the file has become shorter. */
export function readTensorBytes(info: TensorInfo): ArrayBuffer {
  const buffer = new ArrayBuffer(info.bytes);
  const file = openSync(info.file, "r");
  try {
    for (let done = 0; done < info.bytes; ) {
      const view = new Uint8Array(buffer, done, Math.min(maximumReadBytes, info.bytes - done));
      const count = readSync(file, view, 0, view.length, info.offset + done);
      if (count === 0) throw truncated(info.file, info.offset + info.bytes, info.offset + done);
      done += count;
    }
  } finally {
    closeSync(file);
  }
  return buffer;
}

/** A tensor's values as float32, row-major. @throws FileError for types other than F32, F16 and BF16. */
export function readTensor(info: TensorInfo): Float32Array<ArrayBuffer> {
  switch (info.dtype) {
    case "F32":
      return new Float32Array(readTensorBytes(info));
    case "F16":
      return float16ToFloat32(new Uint16Array(readTensorBytes(info)));
    case "BF16":
      return bfloat16ToFloat32(new Uint16Array(readTensorBytes(info)));
    default:
      throw new FileError({
        what: `tensor "${info.name}" has an unsupported type`,
        where: info.file,
        expected: "F32, F16 or BF16",
        found: info.dtype,
        remedy: "convert the checkpoint to one of these types",
      });
  }
}

/** Writes tensors into one file, atomically. The same tensors give the same bytes, whatever the map's order. */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  // Wider types first, so that every tensor is aligned to its element.
  const sorted = [...tensors].toSorted(([a, x], [b, y]) =>
    x.dtype === y.dtype ? (a < b ? -1 : 1) : elementBytes[y.dtype] - elementBytes[x.dtype],
  );
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    if (elements(shape) !== data.length) {
      throw new UsageError({
        what: `tensor "${name}" has another number of values than its shape`,
        where: path,
        expected: `${elements(shape)} values for [${shape.join(", ")}]`,
        found: `${data.length}`,
        remedy: "pass the tensor's own shape",
      });
    }
    const end = offset + data.length * elementBytes[dtype];
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([Buffer.alloc(8), json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  await writeAtomic(path, async (file) => {
    await file.writeFile(padded);
    for (const [, { dtype, data }] of sorted) {
      const values = dtype === "F16" ? float32ToFloat16(data) : data;
      await file.writeFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  });
}
