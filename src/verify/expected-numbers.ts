import { join } from "node:path";
import { z } from "zod";
import { FileError } from "../errors.js";
import { parseFields, readJson } from "../json-file.js";
import { readHeader, readTensor, readTensorBytes, type TensorInfo } from "../model/checkpoint/safetensors.js";
import { aggregations } from "../train/algorithm/aggregation.js";

const grpo = z.object({
  clip_low: z.number(),
  clip_high: z.number(),
  kl_coef: z.number(),
  max_response_length: z.number().int().positive(),
  loss: z.number(),
});
const ppo = z.object({
  kl_coef: z.number(),
  gamma: z.number(),
  lambda: z.number(),
  clip: z.number(),
  value_clip: z.number(),
  value_coef: z.number(),
  policy_loss: z.number(),
  value_loss: z.number(),
});
const settingsSchema = z.object({ grpo: z.record(z.enum(aggregations), grpo), ppo });
const remedy = "use a folder in the form of the project's numeric references";

/** The numbers of a reference folder: expected.json and expected.safetensors. */
export class ExpectedNumbers {
  private constructor(
    readonly settings: z.infer<typeof settingsSchema>,
    private readonly file: string,
    private readonly tensors: ReadonlyMap<string, TensorInfo>,
  ) {}

  /** @throws FileError. */
  static async read(folder: string): Promise<ExpectedNumbers> {
    const settingsFile = join(folder, "expected.json");
    const settings = parseFields(settingsSchema, await readJson(settingsFile, remedy), settingsFile, remedy);
    const file = join(folder, "expected.safetensors");
    return new ExpectedNumbers(settings, file, (await readHeader(file)).tensors);
  }

  floats(name: string): Float32Array {
    return readTensor(this.info(name));
  }

  integers(name: string): number[] {
    const info = this.info(name);
    const buffer = readTensorBytes(info);
    if (info.dtype === "I64") return Array.from(new BigInt64Array(buffer), Number);
    if (info.dtype === "I32") return Array.from(new Int32Array(buffer));
    throw new FileError({
      what: `tensor "${name}" has an unsupported type`,
      where: this.file,
      expected: "I32 or I64",
      found: info.dtype,
      remedy,
    });
  }

  /** Token ids [1, P], [G, R] cut to the responses' lengths, and the whole [G, R]. */
  tokens(): { prompt: number[]; responses: number[][]; slots: number[][]; lengths: number[] } {
    const lengths = this.integers("response_lengths");
    const flat = this.integers("responses");
    const width = flat.length / lengths.length;
    const slots = lengths.map((_, row) => flat.slice(row * width, (row + 1) * width));
    return { prompt: this.integers("prompt"), responses: cut(slots, lengths), slots, lengths };
  }

  /** A [G, R] tensor, cut to the responses' lengths. */
  perToken(name: string): number[][] {
    const lengths = this.integers("response_lengths");
    const flat = this.floats(name);
    const width = flat.length / lengths.length;
    return lengths.map((length, row) => Array.from(flat.subarray(row * width, row * width + length)));
  }

  private info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (info !== undefined) return info;
    throw new FileError({ what: `tensor "${name}" is missing`, where: this.file, remedy });
  }
}

function cut(rows: readonly number[][], lengths: readonly number[]): number[][] {
  return rows.map((row, i) => row.slice(0, lengths[i]));
}
