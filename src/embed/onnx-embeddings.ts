import { Embeddings, type EmbeddingsParams } from "@langchain/core/embeddings";
import { UsageError } from "../errors.js";
import { hashFile } from "../hash.js";
import { findWeights, type Pooling, readSentenceSettings } from "./bert-config.js";
import type { EncoderOptions } from "./encoder.js";
import { EncoderThread } from "./encoder-thread.js";
import { EncodingRounds } from "./encoding-rounds.js";
import { type EncodeText, loadTextTokenizer } from "./text-tokenizer.js";

const BATCH_SIZE = 32;

export interface OnnxEmbeddingsOptions extends EncoderOptions, EmbeddingsParams {
  /** Texts computed at once (with safetensors, from all pending calls); texts of similar length are grouped. Default 32. */
  readonly batchSize?: number;
  /** Prefixes of queries and of documents, as some encoders require ("query: ", "passage: "). */
  readonly queryPrefix?: string;
  readonly documentPrefix?: string;
}

/**
 * LangChain embeddings by a local sentence encoder, in its own thread. Vectors have unit length, and are float32 as the
 * model returns them.
 */
export class OnnxEmbeddings extends Embeddings {
  /** Identifies what determines the vectors, wherever the folder is; a store's collection recognises its embeddings by it. */
  readonly name: string;
  /** SHA-256 of the file of the weights. */
  readonly weights: string;
  /** Whether a text has the same vector as a query and as a document. */
  readonly symmetric: boolean;
  readonly #thread: EncoderThread;
  readonly #tokens: EncodeText;
  readonly #rounds: () => EncodingRounds;
  readonly #options: OnnxEmbeddingsOptions;

  private constructor(
    thread: EncoderThread,
    tokens: EncodeText,
    pooling: Pooling,
    options: OnnxEmbeddingsOptions & { readonly joinsCalls: boolean; readonly weights: string },
  ) {
    super(options);
    this.#thread = thread;
    this.#tokens = tokens;
    const { batchSize = BATCH_SIZE, joinsCalls, weights, queryPrefix = "", documentPrefix = "" } = options;
    // Encoded, so that no prefix can hold the mark between the two.
    const prefixes = [queryPrefix, documentPrefix].map(encodeURIComponent).join("|");
    this.name = `onnx:${weights.slice(0, 16)}:${pooling}:${prefixes}`;
    this.weights = weights;
    this.symmetric = queryPrefix === documentPrefix;
    const rounds = () => new EncodingRounds((rows) => thread.encode(rows, pooling), batchSize);
    const shared = rounds();
    this.#rounds = joinsCalls ? () => shared : rounds;
    this.#options = options;
  }

  /**
   * Opens a Hugging Face folder: an `onnx/` file, or the safetensors of a BERT. `close` it when done.
   * @throws FileError, UsageError or EngineError.
   */
  static async load(options: OnnxEmbeddingsOptions): Promise<OnnxEmbeddings> {
    const { folder, file, device, threads, batchSize = BATCH_SIZE } = options;
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
    const path = await findWeights(folder, file);
    // An ONNX file may be quantised with one scale for a whole batch: a text's vector would depend on what else was under way.
    const joinsCalls = !path.endsWith(".onnx");
    const { sha256: weights } = await hashFile(path);
    return new OnnxEmbeddings(await EncoderThread.open(encoder), tokens, pooling, { ...options, joinsCalls, weights });
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

  #embed(texts: readonly string[]): Promise<number[][]> {
    const rounds = this.#rounds();
    return Promise.all(texts.map((text) => rounds.vector(this.#tokens(text))));
  }
}
