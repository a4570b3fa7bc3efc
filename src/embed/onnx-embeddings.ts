import { Embeddings, type EmbeddingsParams } from "@langchain/core/embeddings";
import { UsageError } from "../errors.js";
import { type Pooling, readSentenceSettings } from "./bert-config.js";
import type { EncoderOptions } from "./encoder.js";
import { EncoderThread } from "./encoder-thread.js";
import { type EncodeText, loadTextTokenizer } from "./text-tokenizer.js";

export interface OnnxEmbeddingsOptions extends EncoderOptions, EmbeddingsParams {
  /** Texts that are computed at once; those of like length go together. Default 32. */
  readonly batchSize?: number;
  /** Put before a text that is searched for, and before one that is searched, as some encoders want ("query: ", "passage: "). */
  readonly queryPrefix?: string;
  readonly documentPrefix?: string;
}

/** LangChain embeddings by a local sentence encoder, in a thread of its own: vectors of unit length, float32 as the model gives them. */
export class OnnxEmbeddings extends Embeddings {
  readonly #thread: EncoderThread;
  readonly #tokens: EncodeText;
  readonly #pooling: Pooling;
  readonly #options: OnnxEmbeddingsOptions;

  private constructor(thread: EncoderThread, tokens: EncodeText, pooling: Pooling, options: OnnxEmbeddingsOptions) {
    super(options);
    this.#thread = thread;
    this.#tokens = tokens;
    this.#pooling = pooling;
    this.#options = options;
  }

  /** Opens a Hugging Face folder: an `onnx/` file, or the safetensors of a BERT. `close` it. Throws FileError, UsageError or EngineError. */
  static async load(options: OnnxEmbeddingsOptions): Promise<OnnxEmbeddings> {
    const { folder, file, device, threads, batchSize = 32 } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new UsageError({
        what: 'option "batchSize" is wrong',
        expected: "a positive integer",
        found: String(batchSize),
        remedy: "leave it out, or pass 32",
      });
    }
    const { pooling, maxTokens } = await readSentenceSettings(folder);
    const tokens = await loadTextTokenizer(folder, maxTokens);
    const encoder: EncoderOptions = {
      folder,
      ...(file === undefined ? {} : { file }),
      ...(device === undefined ? {} : { device }),
      ...(threads === undefined ? {} : { threads }),
    };
    return new OnnxEmbeddings(await EncoderThread.open(encoder), tokens, pooling, options);
  }

  override async embedQuery(text: string): Promise<number[]> {
    const [vector] = await this.#embed([`${this.#options.queryPrefix ?? ""}${text}`]);
    return vector!;
  }

  override embedDocuments(texts: string[]): Promise<number[][]> {
    const { documentPrefix = "" } = this.#options;
    return this.#embed(texts.map((text) => `${documentPrefix}${text}`));
  }

  /** Ends the encoder's thread. */
  async close(): Promise<void> {
    await this.#thread.close();
  }

  async #embed(texts: readonly string[]): Promise<number[][]> {
    const rows = texts.map((text, place) => ({ place, ids: this.#tokens(text) }));
    rows.sort((a, b) => a.ids.length - b.ids.length);
    const vectors: number[][] = new Array(texts.length);
    const { batchSize = 32 } = this.#options;
    for (let from = 0; from < rows.length; from += batchSize) {
      const batch = rows.slice(from, from + batchSize);
      const ids = batch.map((row) => row.ids);
      const embedded = await this.#thread.encode(ids, this.#pooling);
      for (const [i, { place }] of batch.entries()) vectors[place] = embedded[i]!;
    }
    return vectors;
  }
}
