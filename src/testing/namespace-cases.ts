import type { BaseStore } from "@langchain/langgraph";
import { expect } from "vitest";
import type { StoreCases } from "./store-case.js";

/** How namespaces are compared, listed and refused. */
export const namespaceCases = {
  "namespaces are listed by prefix, suffix, wildcard and depth, sorted, in pages": async ({ store }) => {
    for (const namespace of [["a", "b", "c"], ["a", "b", "d"], ["a", "x", "c"], ["b", "b", "c"], ["a"]])
      await store.put(namespace, "k", { text: "x" });
    const list = async (options?: Parameters<BaseStore["listNamespaces"]>[0]) =>
      (await store.listNamespaces(options)).map((namespace) => namespace.join("/"));
    expect(await list()).toEqual(["a", "a/b/c", "a/b/d", "a/x/c", "b/b/c"]);
    expect(await list({ prefix: ["a", "b"] })).toEqual(["a/b/c", "a/b/d"]);
    expect(await list({ prefix: ["*", "b"] })).toEqual(["a/b/c", "a/b/d", "b/b/c"]);
    expect(await list({ suffix: ["c"] })).toEqual(["a/b/c", "a/x/c", "b/b/c"]);
    expect(await list({ prefix: ["a"], suffix: ["*", "c"] })).toEqual(["a/b/c", "a/x/c"]);
    expect(await list({ maxDepth: 2 })).toEqual(["a", "a/b", "a/x", "b/b"]);
    expect(await list({ limit: 2, offset: 1 })).toEqual(["a/b/c", "a/b/d"]);
  },

  "a namespace is listed only while it holds an item": async ({ store }) => {
    await store.put(["a"], "k", { text: "x" });
    await store.put(["a", "b"], "k", { text: "x" });
    await store.delete(["a"], "k");
    await store.delete(["never"], "k");
    expect(await store.listNamespaces()).toEqual([["a", "b"]]);
  },

  "a namespace that is empty, has an empty or dotted label, or a reserved root is refused": async ({ store }) => {
    for (const namespace of [[], [""], ["a", ""], ["a.b"], ["langgraph"]])
      await expect(store.put(namespace, "k", { text: "x" })).rejects.toThrow(/namespace/i);
    await expect(store.batch([{ namespace: ["a.b"], key: "k", value: { text: "x" } }])).rejects.toThrow(/namespace/i);
    await expect(store.batch([{ namespacePrefix: ["a", ""] }])).rejects.toThrow(/namespace/i);
    expect(await store.search([])).toEqual([]);
  },

  "the label __proto__ is refused, or a label like any other": async ({ store }) => {
    await store.put(["p"], "k", { text: "x" });
    await store.put(["__proto__", "polluted"], "polluted", { text: "y" }).catch(() => undefined);
    await store.put(["p"], "__proto__", { text: "z" });
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    expect((await store.search(["p"])).map(({ key }) => key)).toEqual(["k", "__proto__"]);
    expect(await store.get(["p"], "polluted")).toBeNull();
  },
} satisfies StoreCases;
