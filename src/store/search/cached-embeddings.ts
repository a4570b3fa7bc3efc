import { Embeddings } from "@langchain/core/embeddings";
import { embeddingsName } from "./embeddings-name.js";

/** Texts that are remembered; the oldest are forgotten first. */
const REMEMBERED = 20_000;

/**
 * Embeds each text once: replay puts the same memories into many banks, and asks the same questions of all of them. With embeddings that say
 * they are `symmetric`, a fact that was searched for is not embedded again where it becomes a memory.
 */
export class CachedEmbeddings extends Embeddings {
  /** That of the embeddings which it caches: a store's collection knows them by it. */
  readonly name: string;
  readonly #base: Embeddings;
  readonly #queries: Map<string, Promise<number[]>>;
  readonly #documents = new Map<string, Promise<number[]>>();

  constructor(base: Embeddings) {
    super({});
    this.name = embeddingsName(base);
    this.#base = base;
    const { symmetric = false } = base as { readonly symmetric?: boolean };
    this.#queries = symmetric ? this.#documents : new Map();
  }

  override embedQuery(text: string): Promise<number[]> {
    const known = this.#queries.get(text);
    if (known !== undefined) return known;
    const vector = this.#base.embedQuery(text);
    remember(this.#queries, text, vector);
    return vector;
  }

  override embedDocuments(texts: string[]): Promise<number[][]> {
    const unknown = [...new Set(texts)].filter((text) => !this.#documents.has(text));
    const embedded = unknown.length === 0 ? undefined : this.#base.embedDocuments(unknown);
    // Taken before remembering the new ones, which may make room by forgetting these.
    const vectors = new Map(texts.map((text) => [text, this.#documents.get(text)]));
    for (const [at, text] of unknown.entries()) {
      const vector = embedded!.then((found) => found[at]!);
      vectors.set(text, vector);
      remember(this.#documents, text, vector);
    }
    return Promise.all(texts.map((text) => vectors.get(text)!));
  }
}

/** A failure is not remembered: the next call tries again. */
function remember(cache: Map<string, Promise<number[]>>, text: string, vector: Promise<number[]>): void {
  cache.set(text, vector);
  vector.catch(() => cache.delete(text));
  if (cache.size > REMEMBERED) cache.delete(cache.keys().next().value!);
}
