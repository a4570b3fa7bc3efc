import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OnnxEmbeddings } from "../../src/embed/onnx-embeddings.js";
import { FileError, UsageError } from "../../src/errors.js";
import { CachedEmbeddings } from "../../src/store/search/cached-embeddings.js";
import { embeddingsName } from "../../src/store/search/embeddings-name.js";
import { bertVector } from "./bert-by-hand.js";
import { writeTinyBert } from "./tiny-bert.js";

const TEXTS = ["Ana lives in Oslo", "cat", "", "Where has Ana a cat?"];
const IDS = [
  [2, 4, 5, 6, 7, 3],
  [2, 10, 3],
  [2, 3],
  [2, 11, 8, 4, 9, 10, 12, 3],
];

let folder: string;
let weights: Map<string, Float32Array>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bert-"));
  weights = await writeTinyBert(folder);
});

afterAll(() => rm(folder, { recursive: true }));

const cosine = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b);

async function embed(texts: string[], options: object = {}): Promise<number[][]> {
  const embeddings = await OnnxEmbeddings.load({ folder, threads: 1, ...options });
  try {
    return await embeddings.embedDocuments(texts);
  } finally {
    await embeddings.close();
  }
}

test("a batch of texts of many lengths gives the vectors of BERT computed by hand, of unit length", async () => {
  const vectors = await embed(TEXTS);
  for (const [i, vector] of vectors.entries()) {
    const expected = bertVector(weights, IDS[i]!);
    for (const [at, value] of vector.entries()) expect(value).toBeCloseTo(expected[at]!, 5);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
  }
});

test("batches of another size change nothing, nor does a query's way", async () => {
  const together = await embed(TEXTS);
  const apart = await embed(TEXTS, { batchSize: 1 });
  for (const [i, vector] of together.entries()) expect(cosine(vector, apart[i]!)).toBeGreaterThan(1 - 1e-6);
  const embeddings = await OnnxEmbeddings.load({ folder, threads: 1, queryPrefix: "Ana lives " });
  expect(cosine(await embeddings.embedQuery("in Oslo"), together[0]!)).toBeGreaterThan(1 - 1e-6);
  expect(embeddings.symmetric).toBe(false);
  expect(await embeddings.embedDocuments([])).toEqual([]);
  await embeddings.close();
  await expect(embeddings.embedQuery("cat")).rejects.toThrow("thread stopped");
});

test("a text that is too long is cut, and keeps its last mark", async () => {
  const [vector] = await embed(["a a a a a a a a a a a a a a a"]);
  const expected = bertVector(weights, [2, 9, 9, 9, 9, 9, 9, 9, 9, 3]);
  expect(cosine(vector!, expected)).toBeGreaterThan(1 - 1e-6);
});

test("the name is that of the weights, the pooling and the prefixes, wherever the folder lies", async () => {
  const nameOf = async (options: object = {}) => {
    const embeddings = await OnnxEmbeddings.load({ folder, threads: 1, ...options });
    await embeddings.close();
    return embeddingsName(new CachedEmbeddings(embeddings));
  };
  const moved = join(folder, "moved");
  await writeTinyBert(moved);
  const name = await nameOf();
  expect(name).toMatch(/^onnx:[0-9a-f]{16}:mean:\|$/);
  expect(await nameOf({ folder: moved })).toBe(name);

  const trained = join(folder, "trained");
  await writeTinyBert(trained);
  const bytes = await readFile(join(trained, "model.safetensors"));
  bytes.writeFloatLE(0.25, bytes.length - 4);
  await writeFile(join(trained, "model.safetensors"), bytes);
  await mkdir(join(moved, "1_Pooling"));
  const pooling = { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false };
  await writeFile(join(moved, "1_Pooling", "config.json"), JSON.stringify(pooling));
  const others = [
    { folder: trained },
    { folder: moved },
    { queryPrefix: "a|b" },
    { queryPrefix: "a", documentPrefix: "b" },
  ];
  const names = [name];
  for (const options of others) names.push(await nameOf(options));
  expect(new Set(names).size).toBe(names.length);
});

test("what is no encoder is refused by file and field", async () => {
  const other = join(folder, "other");
  await writeTinyBert(other, { hidden_act: "relu" });
  await expect(embed(["x"], { folder: other })).rejects.toThrow(/config\.json.*hidden_act/);
  await expect(embed(["x"], { folder: join(folder, "none") })).rejects.toThrow(FileError);
  await expect(embed(["x"], { file: "onnx/none.onnx" })).rejects.toThrow(/no weights.*onnx\/none\.onnx/);
  await expect(embed(["x"], { batchSize: 0 })).rejects.toThrow(UsageError);
  await writeTinyBert(other, { intermediate_size: 13 });
  await expect(embed(["x"], { folder: other })).rejects.toThrow(/intermediate\.dense.*wrong shape/);
  await mkdir(join(other, "1_Pooling"));
  await writeFile(
    join(other, "1_Pooling", "config.json"),
    '{"pooling_mode_cls_token":false,"pooling_mode_mean_tokens":false}',
  );
  await expect(embed(["x"], { folder: other })).rejects.toThrow(/pooling is not supported/);
});

const real = fileURLToPath(new URL("../../.models/all-MiniLM-L6-v2", import.meta.url));
const reference = fileURLToPath(new URL("../../../shared/reference/chat.json", import.meta.url));
const skipped = !existsSync(real) || !existsSync(reference);

describe.skipIf(skipped)("all-MiniLM-L6-v2 (skipped without its folder in .models and the reference vectors)", () => {
  test.each([
    ["float32 weights", undefined, 1 - 1e-5],
    ["the int8 file", "onnx/model_quantized.onnx", 0.99],
  ])("%s give the vectors of another implementation", async (_, file, least) => {
    type Row = { text: string; embedding: number[] };
    const rows = (JSON.parse(readFileSync(reference, "utf8")) as Record<string, Row[]>)["all-MiniLM-L6-v2"]!;
    const texts = rows.map(({ text }) => text);
    const vectors = await embed(texts, { folder: real, ...(file === undefined ? {} : { file }) });
    for (const [i, { embedding }] of rows.entries()) expect(cosine(vectors[i]!, embedding)).toBeGreaterThan(least);
  });
});
