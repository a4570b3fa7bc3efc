import { resolve } from "node:path";
import type { Embeddings } from "@langchain/core/embeddings";
import { OnnxEmbeddings } from "../../embed/onnx-embeddings.js";
import type { Device } from "../../onnx/device.js";
import { CachedEmbeddings } from "../../store/search/cached-embeddings.js";
import { LexicalEmbeddings } from "../../store/search/lexical-embeddings.js";

/** What ranks memories, with the SHA-256 of its weights: it has none where words are counted. */
export interface OpenedEmbeddings {
  readonly embeddings: Embeddings;
  readonly weights: string | null;
  close(): Promise<void>;
}

export const embeddingsHelp =
  "Hugging Face folder of a sentence encoder, such as all-MiniLM-L6-v2, whose vectors rank memories (default: vectors of words)";

/**
 * Opens a sentence encoder; without a folder texts are compared by their words. @throws FileError or EngineError.
 * @param device of the model beside it: the encoder goes to the same CUDA card, else to the CPU.
 */
export async function openEmbeddings(folder: string | undefined, device: Device = "cpu"): Promise<OpenedEmbeddings> {
  if (folder === undefined) {
    const embeddings = new CachedEmbeddings(new LexicalEmbeddings());
    return { embeddings, weights: null, close: async () => undefined };
  }
  const encoder = await OnnxEmbeddings.load({
    folder: resolve(folder),
    device: device.startsWith("cuda") ? device : "cpu",
  });
  return { embeddings: new CachedEmbeddings(encoder), weights: encoder.weights, close: () => encoder.close() };
}
