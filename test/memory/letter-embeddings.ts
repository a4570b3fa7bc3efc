import { Embeddings } from "@langchain/core/embeddings";

/** Counts of letter pairs: near enough to a lexical embedding for tests, and the same everywhere. */
export class LetterEmbeddings extends Embeddings {
  constructor() {
    super({});
  }

  override async embedQuery(text: string): Promise<number[]> {
    const vector = new Array<number>(64).fill(0);
    const lower = ` ${text.toLowerCase()} `;
    for (let i = 1; i < lower.length; i++) {
      vector[(lower.charCodeAt(i - 1) * 31 + lower.charCodeAt(i)) % 64]! += 1;
    }
    return vector;
  }

  override async embedDocuments(texts: string[]): Promise<number[][]> {
    return Promise.all(texts.map((text) => this.embedQuery(text)));
  }
}
