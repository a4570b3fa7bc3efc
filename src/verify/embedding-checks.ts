import { access } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { onnxFiles, readSentenceSettings } from "../embed/bert-config.js";
import { OnnxEmbeddings } from "../embed/onnx-embeddings.js";
import { loadTextTokenizer } from "../embed/text-tokenizer.js";
import type { Device } from "../onnx/device.js";
import { cosineSimilarity } from "../store/search/vectors.js";
import { type Check, compare } from "./check.js";
import { differing, worst } from "./difference.js";

export const embeddingSchema = z.object({
  text: z.string(),
  ids: z.array(z.number().int()).min(1),
  embedding: z.array(z.number()).min(1),
});

export type EmbeddingRow = z.infer<typeof embeddingSchema>;

/** Largest 1 − cosine with float32 vectors: of the float weights, and of a file with fewer bits. */
const BOUND = 1e-5;
const QUANTISED_BOUND = 1e-2;

/** A sentence encoder beside another implementation's tokens and vectors: its safetensors, and the files under `onnx/` that it has. */
export async function* checkEmbeddings(
  file: string,
  model: string,
  rows: readonly EmbeddingRow[],
  { folder, device }: { readonly folder: string; readonly device: Device },
): AsyncGenerator<Check> {
  const tokens = await loadTextTokenizer(folder, (await readSentenceSettings(folder)).maxTokens);
  const wrong = rows.filter(({ text, ids }) => differing(tokens(text), ids) > 0).length;
  yield compare(file, `${model}: texts whose token ids differ (of ${rows.length})`, wrong, 0);
  for (const weights of ["model.safetensors", ...onnxFiles.map((name) => `onnx/${name}`)]) {
    const there = await access(join(folder, weights)).then(
      () => true,
      () => false,
    );
    if (!there) continue;
    const embeddings = await OnnxEmbeddings.load({ folder, device, file: weights });
    try {
      const vectors = await embeddings.embedDocuments(rows.map(({ text }) => text));
      const { error, item } = worst(rows.keys(), (i) => 1 - cosineSimilarity(vectors[i]!, rows[i]!.embedding));
      const bound = /(safetensors|model\.onnx)$/.test(weights) ? BOUND : QUANTISED_BOUND;
      yield compare(file, `${model}: 1 - cosine of vectors, ${weights}`, error, bound, `row ${item}`);
    } finally {
      await embeddings.close();
    }
  }
}
