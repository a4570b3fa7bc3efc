import { Embeddings } from "@langchain/core/embeddings";
import { stemOf, wordsOf } from "./words.js";

export interface LexicalEmbeddingsOptions {
  /** Length of the vectors. More dimensions, fewer hash collisions. */
  readonly dimensions?: number;
}

interface Feature {
  readonly index: number;
  /** Weight times the sign of the hash. */
  readonly weight: number;
}

const STOP_WORDS = new Set(
  `a about after all also am an and any are as at be because been before being but by can could did do does doing done
  for from had has have having he her hers him his how i if in into is it its just me my of off on or our ours out over
  she should so some such than that the their theirs them then there these they this those to too up us very was we were
  what when where which while who whom whose why will with would you your yours`.split(/\s+/),
);
const STOP_WORD_WEIGHT = 0.12;
const TRIGRAM_WEIGHT = 0.45;
const BIGRAM_WEIGHT = 0.5;
const CACHED_WORDS = 50_000;

/**
 * Embeddings that need no download: hashed Porter stems, bigrams of content words and character trigrams, each with
 * sublinear term frequency and a hashed sign (Weinberger et al. 2009, "Feature hashing"), L2-normalised. The same text
 * gives the same vector on every machine, where its script has spaces between words; others are segmented by the
 * runtime's dictionaries. No vector is zero, so cosine similarity is always defined.
 */
export class LexicalEmbeddings extends Embeddings {
  /** Identifies the embedding scheme: vectors of two schemes must never be mixed in one collection. */
  readonly name: string;
  readonly dimensions: number;
  readonly #words = new Map<string, readonly Feature[]>();

  constructor({ dimensions = 512 }: LexicalEmbeddingsOptions = {}) {
    super({});
    this.dimensions = dimensions;
    this.name = `lexical-v2-${dimensions}`;
  }

  override async embedQuery(text: string): Promise<number[]> {
    return this.#embed(text);
  }

  /** One vector of `dimensions` numbers per text. */
  override async embedDocuments(texts: string[]): Promise<number[][]> {
    return texts.map((text) => this.#embed(text));
  }

  #embed(text: string): number[] {
    const vector = new Array<number>(this.dimensions).fill(0);
    const counts = new Map<string, number>();
    let previous: string | undefined;
    for (const word of wordsOf(text)) {
      const stem = stemOf(word);
      const stop = STOP_WORDS.has(word);
      increment(counts, stop ? `s ${word}` : `w ${stem}`);
      if (!stop && previous !== undefined) increment(counts, `b ${previous} ${stem}`);
      if (!stop) previous = stem;
    }
    for (const [name, count] of counts) {
      const frequency = 1 + Math.log(count);
      for (const { index, weight } of this.#features(name)) vector[index]! += frequency * weight;
    }
    const length = Math.hypot(...vector);
    if (length > 0) return vector.map((value) => value / length);
    const { index, weight } = this.#feature(`t ${text.trim()}`, 1);
    vector[index] = Math.sign(weight);
    return vector;
  }

  #features(name: string): readonly Feature[] {
    const cached = this.#words.get(name);
    if (cached !== undefined) return cached;
    if (this.#words.size >= CACHED_WORDS) this.#words.clear();
    const features = this.#newFeatures(name);
    this.#words.set(name, features);
    return features;
  }

  #newFeatures(name: string): readonly Feature[] {
    if (name.startsWith("s ")) return this.#spread(name, STOP_WORD_WEIGHT);
    if (name.startsWith("b ")) return this.#spread(name, BIGRAM_WEIGHT);
    const padded = `^${name.slice(2)}$`;
    const trigrams = Array.from({ length: Math.max(1, padded.length - 2) }, (_, at) => padded.slice(at, at + 3));
    // The trigrams of a word weigh together as much for a long word as for a short one.
    const weight = TRIGRAM_WEIGHT / Math.sqrt(trigrams.length);
    return [...this.#spread(name, 1), ...trigrams.map((trigram) => this.#feature(`c ${trigram}`, weight))];
  }

  /** A feature over three components, so that two that meet in one of them are told apart by the others. */
  #spread(name: string, weight: number): readonly Feature[] {
    return ["", " 1", " 2"].map((suffix) => this.#feature(name + suffix, weight / Math.sqrt(3)));
  }

  #feature(name: string, weight: number): Feature {
    const hash = fnv1a(name);
    return { index: (hash >>> 1) % this.dimensions, weight: (hash & 1) === 0 ? weight : -weight };
  }
}

function increment(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** 32-bit FNV-1a with murmur3's finalizer, since FNV's low bits alone are too regular to index by. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
