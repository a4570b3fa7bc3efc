import { Embeddings } from "@langchain/core/embeddings";
import { expect, it } from "vitest";
import { CachedEmbeddings } from "../../../src/store/search/cached-embeddings.js";
import { LexicalEmbeddings } from "../../../src/store/search/lexical-embeddings.js";

class Counting extends Embeddings {
  readonly asked: string[] = [];
  failing = false;

  constructor() {
    super({});
  }

  override async embedQuery(text: string): Promise<number[]> {
    this.asked.push(`query ${text}`);
    if (this.failing) throw new Error("no connection");
    return [text.length, 1];
  }

  override async embedDocuments(texts: string[]): Promise<number[][]> {
    this.asked.push(...texts);
    if (this.failing) throw new Error("no connection");
    return texts.map((text) => [text.length, 0]);
  }
}

it("goes by the name of what it caches, so that a collection written with the one opens with the other", () => {
  expect(new CachedEmbeddings(new LexicalEmbeddings()).name).toBe(new LexicalEmbeddings().name);
  expect(new CachedEmbeddings(new Counting()).name).toBe("Counting");
});

it("embeds each text once, and keeps queries apart from documents", async () => {
  const base = new Counting();
  const cached = new CachedEmbeddings(base);
  expect(await cached.embedDocuments(["a", "bb", "a"])).toEqual([
    [1, 0],
    [2, 0],
    [1, 0],
  ]);
  const both = await Promise.all([cached.embedDocuments(["bb", "ccc"]), cached.embedDocuments(["ccc", "a"])]);
  expect(both.flat().map(([length]) => length)).toEqual([2, 3, 3, 1]);
  expect(await cached.embedQuery("a")).toEqual([1, 1]);
  expect(await cached.embedQuery("a")).toEqual([1, 1]);
  expect(await cached.embedDocuments([])).toEqual([]);
  expect(base.asked).toEqual(["a", "bb", "ccc", "query a"]);
});

it("embeds a text once for both where the embeddings are symmetric", async () => {
  const base = Object.assign(new Counting(), { symmetric: true });
  const cached = new CachedEmbeddings(base);
  const [query, [document]] = await Promise.all([cached.embedQuery("a"), cached.embedDocuments(["a"])]);
  expect(document).toEqual(query);
  expect(await cached.embedDocuments(["bb"])).toEqual([[2, 0]]);
  expect(await cached.embedQuery("bb")).toEqual([2, 0]);
  expect(base.asked).toEqual(["query a", "bb"]);
});

it("tries again after a failure", async () => {
  const base = new Counting();
  const cached = new CachedEmbeddings(base);
  base.failing = true;
  await expect(cached.embedDocuments(["a"])).rejects.toThrow("no connection");
  await expect(cached.embedQuery("a")).rejects.toThrow("no connection");
  base.failing = false;
  expect(await cached.embedDocuments(["a"])).toEqual([[1, 0]]);
  expect(await cached.embedQuery("a")).toEqual([1, 1]);
});
