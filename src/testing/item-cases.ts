import type { Operation } from "@langchain/langgraph";
import { expect } from "vitest";
import { keysOf, type StoreCases } from "./store-case.js";

/** Putting, getting, deleting, and batches of these. */
export const itemCases = {
  "what was put is got, with its namespace, key, value and times": async ({ store }) => {
    const before = Date.now();
    await store.put(["users", "ana"], "home", { text: "Ana lives in Oslo", nested: { list: [1, "two", null] } });
    const item = await store.get(["users", "ana"], "home");
    expect(item).toMatchObject({
      namespace: ["users", "ana"],
      key: "home",
      value: { text: "Ana lives in Oslo", nested: { list: [1, "two", null] } },
    });
    expect(item!.createdAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(item!.updatedAt.getTime()).toBeLessThanOrEqual(Date.now());
  },

  "a missing key is null, also in a namespace above or below one that has the key": async ({ store }) => {
    await store.put(["a", "b"], "k", { text: "x" });
    expect(await store.get(["a"], "k")).toBeNull();
    expect(await store.get(["a", "b", "c"], "k")).toBeNull();
    expect(await store.get(["a", "b"], "other")).toBeNull();
  },

  "an update keeps the time of creation, moves the time of update, and replaces the whole value": async ({ store }) => {
    await store.put(["a"], "k", { text: "one", extra: 1 });
    const created = (await store.get(["a"], "k"))!.createdAt.getTime();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await store.put(["a"], "k", { text: "two" });
    const item = await store.get(["a"], "k");
    expect(item!.value).toEqual({ text: "two" });
    expect(item!.createdAt.getTime()).toBe(created);
    expect(item!.updatedAt.getTime()).toBeGreaterThan(created);
  },

  "a deleted item is gone from get and search, and deleting it again is no error": async ({ store }) => {
    await store.put(["a"], "k", { text: "Ana", notes: ["first note", "second note"] });
    await store.delete(["a"], "k");
    await store.delete(["a"], "k");
    expect(await store.get(["a"], "k")).toBeNull();
    expect(await store.search(["a"])).toEqual([]);
    expect(await store.search(["a"], { query: "first note" })).toEqual([]);
  },

  "reads of a batch see the state before it, and its last write of a key wins": async ({ store }) => {
    await store.put(["b"], "k", { text: "old" });
    const operations: Operation[] = [
      { namespace: ["b"], key: "k", value: { text: "new" } },
      { namespace: ["b"], key: "k" },
      { namespacePrefix: ["b"], limit: 10, offset: 0 },
      { namespace: ["b"], key: "k", value: { text: "newest" } },
      { namespace: ["b"], key: "gone", value: { text: "x" } },
      { namespace: ["b"], key: "gone", value: null },
      { namespace: ["b"], key: "nothing" },
      { matchConditions: [{ matchType: "prefix", path: ["b"] }], limit: 10, offset: 0 },
    ];
    const results: readonly unknown[] = await store.batch(operations);
    expect(results[1]).toMatchObject({ key: "k" });
    expect(results[2]).toMatchObject([{ key: "k", value: { text: "old" } }]);
    expect(results[6]).toBeNull();
    expect(results[7]).toEqual([["b"]]);
    expect((await store.get(["b"], "k"))!.value).toEqual({ text: "newest" });
    expect(keysOf(await store.search(["b"]))).toEqual(["k"]);
  },

  "writes of one key that are not waited for are applied in their order": async ({ store }) => {
    await Promise.all(Array.from({ length: 8 }, (_, at) => store.put(["w"], "k", { text: `text ${at}` })));
    expect((await store.get(["w"], "k"))!.value).toEqual({ text: "text 7" });
  },

  "keys and values may hold any text": async ({ store }) => {
    const odd = ["", "a:b", '["a"]', "ключ 🗝", "with\nnewline", "'; DROP TABLE embeddings; --", "$and"];
    for (const key of odd) await store.put(["odd"], key, { text: key, [key || "empty"]: key });
    for (const key of odd) expect((await store.get(["odd"], key))!.value.text).toBe(key);
    const found = await store.search(["odd"], { filter: { $and: "$and" } });
    expect(keysOf(found)).toEqual(["$and"]);
  },

  "writes of many keys that are not waited for all arrive": async ({ store }) => {
    const all = Array.from({ length: 24 }, (_, at) => `key ${at}`);
    await Promise.all(all.map((key, at) => store.put(["w", `n${at % 3}`], key, { text: key })));
    const found = await store.search(["w"], { limit: 50 });
    expect(keysOf(found).sort()).toEqual([...all].sort());
    await Promise.all(all.map((key, at) => store.delete(["w", `n${at % 3}`], key)));
    expect(await store.search(["w"], { query: "key 7" })).toEqual([]);
  },

  "what a reader does to an item that it got does not change the store": async ({ store }) => {
    await store.put(["r"], "k", { list: [1] });
    const item = await store.get(["r"], "k");
    item!.value.list.push(2);
    item!.namespace.push("x");
    expect(await store.get(["r"], "k")).toMatchObject({ namespace: ["r"], value: { list: [1] } });
  },
} satisfies StoreCases;
