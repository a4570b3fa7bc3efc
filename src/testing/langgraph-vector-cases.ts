import { Embeddings } from "@langchain/core/embeddings";
import { AsyncBatchedStore, type BaseStore } from "@langchain/langgraph";
import { expect } from "vitest";
import { keysOf, type StoreCases } from "./store-case.js";

/** Two directions, so that a score is 1 or 0: "apple" and everything else. */
const apples = (texts: readonly string[]): number[][] => texts.map((text) => (text === "apple" ? [1, 0] : [0, 1]));

class AppleEmbeddings extends Embeddings {
  /** The texts of each call. */
  readonly asked: string[][] = [];
  /** What the next calls give instead. */
  reply: ((texts: readonly string[]) => number[][]) | undefined;

  constructor() {
    super({});
  }

  async embedQuery(text: string): Promise<number[]> {
    return apples([text])[0]!;
  }

  async embedDocuments(texts: string[]): Promise<number[][]> {
    this.asked.push(texts);
    return (this.reply ?? apples)(texts);
  }
}

async function scores(store: BaseStore, prefix: string[] = ["docs"]): Promise<Record<string, number | undefined>> {
  const found = await store.search(prefix, { query: "apple", limit: 20 });
  return Object.fromEntries(found.map(({ key, score }) => [key, score === undefined ? undefined : Math.round(score)]));
}

/** Indexed: one apple, one pear; four apples that are not indexed. */
async function mixed(store: BaseStore): Promise<BaseStore> {
  const items: [string, string, false?][] = [
    ["plain 1", "apple", false],
    ["near", "apple"],
    ["plain 2", "apple", false],
    ["far", "pear"],
    ["plain 3", "apple", false],
    ["plain 4", "apple", false],
  ];
  for (const [key, text, index] of items) await store.put(["docs"], key, { text }, index);
  return store;
}

/** What LangGraph's tests of vectors that are replaced, deleted, paged and queued promise. */
export const langGraphVectorCases = {
  "replaces previous vectors": async ({ storeWithEmbeddings }) => {
    const store = await storeWithEmbeddings(new AppleEmbeddings());
    const cases: [Record<string, string>, false | string[] | undefined, number | undefined][] = [
      [{ text: "pear" }, undefined, 0],
      [{ text: "pear" }, false, undefined],
      [{ text: "pear" }, [], undefined],
      [{ other: "pear" }, undefined, undefined],
      [{ text: "apple", other: "pear" }, ["other"], 0],
    ];
    for (const [value, index, score] of cases) {
      await store.put(["docs"], "k", { text: "apple" });
      await store.put(["docs"], "k", value, index);
      expect((await store.get(["docs"], "k"))!.value).toEqual(value);
      expect(await scores(store), JSON.stringify([value, index])).toEqual({ k: score });
    }
  },

  "replaces array vectors": async ({ storeWithEmbeddings }) => {
    const store = await storeWithEmbeddings(new AppleEmbeddings());
    const cases: [string[], string[], number | undefined][] = [
      [["pear", "apple"], ["pear"], 0],
      [["pear", "plum", "apple"], ["pear", "plum"], 0],
      [["apple"], ["pear", "plum"], 0],
      [["pear", "apple"], [], undefined],
    ];
    for (const [before, after, score] of cases) {
      await store.put(["docs"], "k", { notes: before });
      await store.put(["docs"], "k", { notes: after });
      expect(await scores(store), JSON.stringify([before, after])).toEqual({ k: score });
    }
  },

  "preserves text deduplication and item mapping across a batch": async ({ storeWithEmbeddings }) => {
    const embeddings = new AppleEmbeddings();
    const store = await storeWithEmbeddings(embeddings);
    for (const key of ["first", "second", "kept"]) await store.put(["docs"], key, { text: "apple" });
    embeddings.asked.length = 0;
    await store.batch([
      { namespace: ["docs"], key: "first", value: { text: "pear", notes: ["pear"] } },
      { namespace: ["docs"], key: "second", value: { text: "pear" } },
      { namespace: ["other"], key: "first", value: { text: "apple" } },
      { namespace: ["docs"], key: "hidden", value: { text: "plum" }, index: false },
    ]);
    expect(embeddings.asked.map((texts) => [...texts].sort())).toEqual([["apple", "pear"]]);
    expect(await scores(store)).toEqual({ first: 0, second: 0, kept: 1, hidden: undefined });
    expect(await scores(store, ["other"])).toEqual({ first: 1 });
  },

  "uses only the final put for an item in a batch": async ({ storeWithEmbeddings }) => {
    const embeddings = new AppleEmbeddings();
    const store = await storeWithEmbeddings(embeddings);
    await store.put(["docs"], "k", { text: "apple" });
    embeddings.asked.length = 0;
    await store.batch([
      { namespace: ["docs"], key: "k", value: { text: "pear" } },
      { namespace: ["docs"], key: "k", value: { text: "plum" }, index: false },
    ]);
    expect(embeddings.asked).toEqual([]);
    expect(await scores(store)).toEqual({ k: undefined });
    expect((await store.get(["docs"], "k"))!.value).toEqual({ text: "plum" });
  },

  "preserves all original values and vectors after the embeddings fail": async ({ storeWithEmbeddings }) => {
    const embeddings = new AppleEmbeddings();
    const store = await storeWithEmbeddings(embeddings);
    for (const key of ["one", "two", "hidden"]) await store.put(["docs"], key, { text: "apple" });
    const replies: AppleEmbeddings["reply"][] = [
      () => {
        throw new Error("no embeddings today");
      },
      // One vector too few.
      (texts) => apples(texts).slice(1),
    ];
    for (const reply of replies) {
      embeddings.reply = reply;
      const puts = [
        { namespace: ["docs"], key: "hidden", value: { text: "pear" }, index: false as const },
        { namespace: ["docs"], key: "one", value: { text: "pear" } },
        { namespace: ["docs"], key: "two", value: { text: "plum" } },
        { namespace: ["docs"], key: "new", value: { text: "pear" } },
      ];
      await expect(store.batch(puts)).rejects.toThrow();
      for (const key of ["one", "two", "hidden"])
        expect((await store.get(["docs"], key))!.value).toEqual({ text: "apple" });
      expect(await scores(store)).toEqual({ one: 1, two: 1, hidden: 1 });
    }
  },

  "should not reuse deleted vectors": async ({ storeWithEmbeddings }) => {
    const store = await storeWithEmbeddings(new AppleEmbeddings());
    const cases: [Record<string, unknown>, false | undefined, number | undefined][] = [
      [{ text: "pear" }, false, undefined],
      [{ other: "pear" }, undefined, undefined],
      [{ notes: ["pear"] }, undefined, 0],
    ];
    for (const [value, index, score] of cases) {
      await store.put(["docs"], "k", { text: "apple", notes: ["apple", "plum"] });
      await store.delete(["docs"], "k");
      await store.put(["docs"], "k", value, index);
      expect(await scores(store), JSON.stringify(value)).toEqual({ k: score });
    }
  },

  "should clean batch deletions without removing other items' vectors": async ({ storeWithEmbeddings }) => {
    const store = await storeWithEmbeddings(new AppleEmbeddings());
    for (const [label, key] of [["docs", "one"] as const, ["docs", "kept"] as const, ["other", "one"] as const])
      await store.put([label], key, { text: "apple" });
    await store.batch([
      { namespace: ["docs"], key: "one", value: null },
      { namespace: ["docs"], key: "missing", value: null },
      { namespace: ["docs"], key: "new", value: { text: "pear" } },
    ]);
    expect(await scores(store)).toEqual({ kept: 1, new: 0 });
    expect(await scores(store, ["other"])).toEqual({ one: 1 });
    await store.batch([{ namespace: ["docs"], key: "one", value: { text: "pear" }, index: false }]);
    expect(await scores(store)).toEqual({ kept: 1, new: 0, one: undefined });
  },

  "paginates mixed results": async ({ storeWithEmbeddings }) => {
    const store = await mixed(await storeWithEmbeddings(new AppleEmbeddings()));
    const all = ["near", "far", "plain 1", "plain 2", "plain 3", "plain 4"];
    for (const offset of [0, 1, 2, 3, 5, 6, 8]) {
      const found = await store.search(["docs"], { query: "apple", limit: 2, offset });
      expect(keysOf(found), `offset ${offset}`).toEqual(all.slice(offset, offset + 2));
      expect(await store.search(["docs"], { query: "apple", limit: 0, offset })).toEqual([]);
    }
  },

  "applies filters before counting indexed and unindexed items": async ({ storeWithEmbeddings }) => {
    const store = await storeWithEmbeddings(new AppleEmbeddings());
    await store.put(["docs"], "excluded", { text: "apple", seen: false });
    await store.put(["docs"], "indexed", { text: "apple", seen: true });
    for (const key of ["plain 1", "plain 2"]) await store.put(["docs"], key, { text: "apple", seen: true }, false);
    const found = await store.search(["docs"], { query: "apple", filter: { seen: true }, offset: 2, limit: 1 });
    expect(keysOf(found)).toEqual(["plain 2"]);
    expect(found[0]!.score).toBeUndefined();
  },

  "counts a document with multiple vectors only once when skipping results": async ({ storeWithEmbeddings }) => {
    const store = await storeWithEmbeddings(new AppleEmbeddings());
    await store.put(["docs"], "many", { notes: ["apple", "pear", "plum"] });
    for (const key of ["plain 1", "plain 2", "plain 3"]) await store.put(["docs"], key, { notes: ["apple"] }, false);
    const found = await store.search(["docs"], { query: "apple", offset: 2, limit: 2 });
    expect(keysOf(found)).toEqual(["plain 2", "plain 3"]);
  },

  "rejects namespaces with delimiters, of items and of listings": async ({ store }) => {
    await store.put(["tenant", "ana", "files"], "k", { text: "x" });
    for (const alias of [
      ["tenant", "ana.files"],
      ["tenant:ana", "files"],
    ]) {
      await expect(store.get(alias, "k")).rejects.toThrow(/namespace/i);
      await expect(store.delete(alias, "k")).rejects.toThrow(/namespace/i);
      await expect(store.put(alias, "k", { text: "y" })).rejects.toThrow(/namespace/i);
      await expect(store.batch([{ namespace: alias, key: "k" }])).rejects.toThrow(/namespace/i);
      await expect(store.batch([{ namespace: alias, key: "k", value: null }])).rejects.toThrow(/namespace/i);
    }
    await expect(store.listNamespaces({ prefix: ["tenant.ana"] })).rejects.toThrow(/namespace/i);
    await expect(store.listNamespaces({ suffix: ["ana.files"] })).rejects.toThrow(/namespace/i);
    expect(await store.listNamespaces({ prefix: ["tenant", "*"] })).toEqual([["tenant", "ana", "files"]]);
    expect((await store.get(["tenant", "ana", "files"], "k"))!.value).toEqual({ text: "x" });
  },

  "should batch concurrent calls": async ({ store }) => {
    const queue = new AsyncBatchedStore(store);
    queue.start();
    try {
      await Promise.all(["one", "two"].map((key) => queue.put(["docs"], key, { text: key })));
      const [one, found, none] = await Promise.all([
        queue.get(["docs"], "one"),
        queue.search(["docs"], { query: "two" }),
        queue.get(["docs"], "none"),
      ]);
      expect([one!.value, found[0]!.key, none]).toEqual([{ text: "one" }, "two", null]);
      await queue.delete(["docs"], "one");
      expect(keysOf(await queue.search(["docs"]))).toEqual(["two"]);
    } finally {
      await queue.stop();
    }
  },
} satisfies StoreCases;
