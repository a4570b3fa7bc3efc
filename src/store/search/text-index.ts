import MiniSearch from "minisearch";
import type { Scored } from "./rank-fusion.js";
import { stemOf, wordsOf } from "./words.js";

/** A text under an id of its own. */
export interface IndexedText {
  readonly id: string;
  readonly text: string;
}

/** BM25 (as BM25+, Lv and Zhai 2011) over the stemmed words of texts that come and go: only what has changed is read again. */
export class TextIndex {
  readonly #words = new MiniSearch<IndexedText>({
    fields: ["text"],
    tokenize: wordsOf,
    processTerm: stemOf,
  });
  readonly #known = new Map<string, IndexedText>();
  #places = new Map<string, number>();

  constructor(texts: readonly IndexedText[] = []) {
    this.update(texts);
  }

  /** Makes the index that of exactly these texts. */
  update(texts: readonly IndexedText[]): void {
    this.#places = new Map(texts.map(({ id }, at) => [id, at]));
    for (const [id, known] of this.#known) {
      const at = this.#places.get(id);
      if (at !== undefined && texts[at]!.text === known.text) continue;
      this.#words.remove(known);
      this.#known.delete(id);
    }
    for (const one of texts) {
      if (this.#known.has(one.id)) continue;
      this.#words.add(one);
      this.#known.set(one.id, one);
    }
  }

  /** The texts that have a word of the query, best first, equal ones in their order. */
  rank(query: string): Scored[] {
    const place = ({ id }: Scored): number => this.#places.get(id)!;
    return this.#words
      .search(query, { combineWith: "OR" })
      .map(({ id, score }) => ({ id: String(id), score }))
      .sort((left, right) => right.score - left.score || place(left) - place(right));
  }
}
