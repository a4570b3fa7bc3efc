import type { BaseStore } from "@langchain/langgraph";
import { expect } from "vitest";
import { keysOf, type StoreCases } from "./store-case.js";

async function fill(store: BaseStore, namespaces: readonly string[][]): Promise<void> {
  for (const [at, namespace] of namespaces.entries()) await store.put(namespace, `key ${at}`, { text: `value ${at}` });
}

/** What LangGraph's own tests of its stores promise, under their names: `@langchain/langgraph-checkpoint`, store tests. */
export const langGraphCases = {
  "should implement get method": async ({ store }) => {
    await store.put(["home"], "k", { n: 1 });
    const expected = { namespace: ["home"], key: "k", value: { n: 1 } };
    expect(await store.get(["home"], "k")).toEqual({
      ...expected,
      createdAt: expect.any(Date),
      updatedAt: expect.any(Date),
    });
  },

  "should implement search method": async ({ store }) => {
    await store.put(["home"], "one", { n: 1 });
    await store.put(["home"], "two", { n: 2 });
    expect(await store.search(["home"])).toMatchObject([
      { namespace: ["home"], key: "one", value: { n: 1 } },
      { namespace: ["home"], key: "two", value: { n: 2 } },
    ]);
  },

  "should implement put method": async ({ store }) => {
    expect(await store.put(["home"], "k", { n: 1 })).toBeUndefined();
    expect((await store.get(["home"], "k"))!.value).toEqual({ n: 1 });
  },

  "should implement delete method": async ({ store }) => {
    await store.put(["home"], "k", { n: 1 });
    await store.delete(["home"], "k");
    expect(await store.get(["home"], "k")).toBeNull();
  },

  "should return null for non-existent items": async ({ store }) => {
    expect(await store.get(["nobody", "home"], "k")).toBeNull();
  },

  "should handle complex JSON values": async ({ store }) => {
    const value = {
      text: "ünï ✓",
      numbers: [0, -1.5, 1e21],
      nothing: null,
      flags: { on: true, off: false, deep: [{ at: [[]] }, {}] },
    };
    await store.put(["json"], "k", value);
    expect((await store.get(["json"], "k"))!.value).toEqual(value);
    expect((await store.search(["json"]))[0]!.value).toEqual(value);
  },

  "should handle batch put and get operations": async ({ store }) => {
    await store.batch([
      { namespace: ["batch"], key: "one", value: { n: 1 } },
      { namespace: ["batch"], key: "two", value: { n: 2 } },
    ]);
    const [one, two, none] = await store.batch([
      { namespace: ["batch"], key: "one" },
      { namespace: ["batch"], key: "two" },
      { namespace: ["batch"], key: "none" },
    ]);
    expect([one?.value, two?.value, none]).toEqual([{ n: 1 }, { n: 2 }, null]);
  },

  "should apply limit and offset": async ({ store }) => {
    for (const key of ["a", "b", "c", "d", "e"]) await store.put(["page"], key, { n: 1 });
    expect(keysOf(await store.search(["page"], { limit: 2 }))).toEqual(["a", "b"]);
    expect(keysOf(await store.search(["page"], { limit: 2, offset: 3 }))).toEqual(["d", "e"]);
  },

  "should handle basic namespace operations": async ({ store }) => {
    const [both, deep, deeper, short, other, users] = [
      ["a", "b", "c"],
      ["a", "b", "d", "e"],
      ["a", "b", "d", "i"],
      ["a", "b", "f"],
      ["b", "a", "f"],
      ["users", "123"],
    ] as const satisfies string[][];
    await fill(store, [both, deep, deeper, short, other, users]);
    expect(await store.listNamespaces({ prefix: ["a", "b"] })).toEqual([both, deep, deeper, short]);
    expect(await store.listNamespaces({ suffix: ["f"] })).toEqual([short, other]);
    expect(await store.listNamespaces({ prefix: ["a"], suffix: ["f"] })).toEqual([short]);
    expect(await store.listNamespaces({ prefix: ["a", "b"], maxDepth: 3 })).toEqual([both, ["a", "b", "d"], short]);
    expect(await store.listNamespaces({ prefix: ["a", "b"], limit: 2 })).toEqual([both, deep]);
    expect(await store.listNamespaces({ prefix: ["a", "b"], offset: 2 })).toEqual([deeper, short]);
  },

  "should handle wildcards in namespace operations": async ({ store }) => {
    await fill(store, [
      ["users", "ana"],
      ["users", "ben", "settings"],
      ["admin", "users", "settings", "ben"],
      ["guests", "ana", "preferences"],
    ]);
    expect(await store.listNamespaces({ prefix: ["users", "*"] })).toEqual([
      ["users", "ana"],
      ["users", "ben", "settings"],
    ]);
    expect(await store.listNamespaces({ suffix: ["*", "preferences"] })).toEqual([["guests", "ana", "preferences"]]);
    expect(await store.listNamespaces({ prefix: ["*", "users"], suffix: ["*", "preferences"] })).toEqual([]);
    expect(await store.listNamespaces({ prefix: ["*", "users"], suffix: ["settings", "*"] })).toEqual([
      ["admin", "users", "settings", "ben"],
    ]);
  },

  "should handle pagination in namespace operations": async ({ store }) => {
    const all = Array.from({ length: 12 }, (_, at) => ["space", `sub_${String(at).padStart(2, "0")}`]);
    await fill(store, all);
    for (const offset of [0, 5, 10])
      expect(await store.listNamespaces({ prefix: ["space"], limit: 5, offset })).toEqual(
        all.slice(offset, offset + 5),
      );
  },

  "should handle maxDepth in namespace operations": async ({ store }) => {
    await fill(store, [["a", "b", "c", "d"], ["a", "b", "c", "e"], ["a", "g"], ["h", "i", "j"], ["k"]]);
    expect(await store.listNamespaces({ maxDepth: 2 })).toEqual([["a", "b"], ["a", "g"], ["h", "i"], ["k"]]);
  },

  "should handle empty store in namespace operations": async ({ store }) => {
    expect(await store.listNamespaces({})).toEqual([]);
  },

  "should block invalid namespaces": async ({ store }) => {
    for (const namespace of [[], ["the", "thing.about"], ["some", "fun", ""], ["langgraph", "foo"]])
      await expect(store.put(namespace, "k", { n: 1 })).rejects.toThrow(/namespace/i);
    await store.put(["foo", "langgraph", "foo"], "k", { n: 1 });
    expect((await store.get(["foo", "langgraph", "foo"], "k"))!.value).toEqual({ n: 1 });
    await store.batch([{ namespace: ["langgraph", "foo"], key: "k", value: { n: 2 } }]);
    expect((await store.get(["langgraph", "foo"], "k"))!.value).toEqual({ n: 2 });
    expect(await store.search(["langgraph", "foo"])).toHaveLength(1);
    await store.delete(["langgraph", "foo"], "k");
    expect(await store.get(["langgraph", "foo"], "k")).toBeNull();
  },

  "should auto-embed and search documents": async ({ store }) => {
    await store.put(["docs"], "short", { text: "a boat" });
    await store.put(["docs"], "long", { text: "a long text about boats and harbours" });
    await store.put(["docs"], "other", { title: "not indexed" });
    const found = await store.search(["docs"], { query: "long text" });
    expect(found[0]!.key).toBe("long");
    expect(keysOf(found).sort()).toEqual(["long", "other", "short"]);
  },

  "should update embeddings when documents are updated": async ({ store }) => {
    const scoreOf = async (query: string) =>
      (await store.search(["docs"], { query })).find(({ key }) => key === "k")!.score!;
    await store.put(["docs"], "k", { text: "zany zebra Xerxes" });
    await store.put(["docs"], "other", { text: "something about dogs" });
    const before = await scoreOf("zany Xerxes");
    expect((await store.search(["docs"], { query: "zany Xerxes" }))[0]!.key).toBe("k");
    await store.put(["docs"], "k", { text: "new text about dogs" });
    const after = await scoreOf("zany Xerxes");
    expect(after).toBeLessThan(before);
    expect(await scoreOf("new text about dogs")).toBeGreaterThan(after);
  },

  "should handle non-indexed documents": async ({ store }) => {
    await store.put(["docs"], "indexed", { text: "new text about dogs" });
    await store.put(["docs"], "hidden", { text: "new text about dogs" }, false);
    const found = await store.search(["docs"], { query: "new text about dogs", limit: 3 });
    expect(keysOf(found)).toEqual(["indexed", "hidden"]);
  },

  "should combine vector search with filters": async ({ store }) => {
    await store.put(["docs"], "red apple", { text: "red apple", color: "red", score: 4.5 });
    await store.put(["docs"], "red car", { text: "red car", color: "red", score: 3 });
    await store.put(["docs"], "green apple", { text: "green apple", color: "green", score: 4 });
    await store.put(["docs"], "blue car", { text: "blue car", color: "blue", score: 3.5 });
    const search = async (query: string, filter: Record<string, unknown>) =>
      keysOf(await store.search(["docs"], { query, filter }));
    expect(await search("apple", { color: "red" })).toEqual(["red apple", "red car"]);
    expect(await search("car", { color: "red" })).toEqual(["red car", "red apple"]);
    expect((await search("blue", { score: { $gt: 3.2 } }))[0]).toBe("blue car");
    expect(await search("blue", { score: { $gt: 3.2 } })).toHaveLength(3);
    expect(await search("apple", { score: { $gte: 4 }, color: "green" })).toEqual(["green apple"]);
  },

  "should handle field-specific indexing at store level": async ({ storeWithFields }) => {
    const store = await storeWithFields(["title", "subject", "place"]);
    await store.put(["docs"], "one", { subject: "sailing", note: "cooking", place: "harbour" });
    await store.put(["docs"], "two", { title: "reading", subject: "climbing", note: "painting", place: "sailing" });
    const sailing = await store.search(["docs"], { query: "sailing" });
    expect(sailing).toHaveLength(2);
    expect(sailing[0]!.score).toBeCloseTo(sailing[1]!.score!, 5);
    const reading = await store.search(["docs"], { query: "reading" });
    expect(reading[0]).toMatchObject({ key: "two", score: expect.closeTo(sailing[0]!.score!, 5) });
    for (const { score } of await store.search(["docs"], { query: "painting" }))
      expect(score).toBeLessThan(sailing[0]!.score!);
  },

  "should handle field-specific indexing at operation level": async ({ storeWithFields }) => {
    const store = await storeWithFields(["missing"]);
    await store.put(["docs"], "one", { a: "sailing", b: "climbing", c: "cooking" }, ["a", "b"]);
    await store.put(["docs"], "two", { a: "reading", b: "climbing", c: "painting" }, ["b", "c"]);
    await store.put(["docs"], "three", { a: "whistling" }, false);
    const find = (query: string) => store.search(["docs"], { query });
    expect((await find("sailing"))[0]!.key).toBe("one");
    expect((await find("painting"))[0]!.key).toBe("two");
    const [first, second] = await find("climbing");
    expect(first!.score).toBeCloseTo(second!.score!, 5);
    expect((await find("cooking")).every(({ score = 0 }) => score < 0.9)).toBe(true);
    expect((await find("whistling")).find(({ key }) => key === "three")!.score).toBeUndefined();
  },
} satisfies StoreCases;
