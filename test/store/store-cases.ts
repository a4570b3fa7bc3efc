import type { BaseStore, Operation } from "@langchain/langgraph";
import { beforeEach, describe, expect, it, type TestContext } from "vitest";
import { LexicalEmbeddings } from "../../src/store/lexical-embeddings.js";

/** What every store of these cases embeds with, and which fields. */
export const embeddings = new LexicalEmbeddings({ dimensions: 128 });
export const fields = ["text", "notes[*]"];

const keys = (items: readonly { key: string }[]) => items.map(({ key }) => key);

/**
 * The promises of a LangGraph store. `makeStore` gives an empty one with `embeddings` over `fields`.
 * @param skips reason by title, for a store that does otherwise.
 */
export function describeStore(name: string, makeStore: () => Promise<BaseStore>, skips: Record<string, string> = {}) {
  describe(`${name} is a LangGraph store`, () => {
    let store: BaseStore;
    const titles = new Set<string>();
    beforeEach(async () => {
      store = await makeStore();
    });
    const promise = (title: string, test: () => Promise<void>) => {
      titles.add(title);
      it(title, async (context: TestContext) => {
        if (skips[title] !== undefined) context.skip(skips[title]);
        await test();
      });
    };

    promise("what was put is got, with its namespace, key, value and times", async () => {
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
    });

    promise("a missing key is null, also in a namespace above or below one that has the key", async () => {
      await store.put(["a", "b"], "k", { text: "x" });
      expect(await store.get(["a"], "k")).toBeNull();
      expect(await store.get(["a", "b", "c"], "k")).toBeNull();
      expect(await store.get(["a", "b"], "other")).toBeNull();
    });

    promise(
      "an update keeps the time of creation, moves the time of update, and replaces the whole value",
      async () => {
        await store.put(["a"], "k", { text: "one", extra: 1 });
        const created = (await store.get(["a"], "k"))!.createdAt.getTime();
        await new Promise((resolve) => setTimeout(resolve, 5));
        await store.put(["a"], "k", { text: "two" });
        const item = await store.get(["a"], "k");
        expect(item!.value).toEqual({ text: "two" });
        expect(item!.createdAt.getTime()).toBe(created);
        expect(item!.updatedAt.getTime()).toBeGreaterThan(created);
      },
    );

    promise("a deleted item is gone from get and search, and deleting it again is no error", async () => {
      await store.put(["a"], "k", { text: "Ana", notes: ["first note", "second note"] });
      await store.delete(["a"], "k");
      await store.delete(["a"], "k");
      expect(await store.get(["a"], "k")).toBeNull();
      expect(await store.search(["a"])).toEqual([]);
      expect(await store.search(["a"], { query: "first note" })).toEqual([]);
    });

    promise("a namespace prefix is compared label by label", async () => {
      for (const namespace of [["user"], ["user", "1"], ["user", "1", "x"], ["user", "12"], ["users"], ["1", "user"]])
        await store.put(namespace, namespace.join("/"), { text: "same words" });
      for (const query of [undefined, "same words"]) {
        const search = async (prefix: string[]) => keys(await store.search(prefix, query ? { query } : {})).sort();
        expect(await search(["user"])).toEqual(["user", "user/1", "user/1/x", "user/12"]);
        expect(await search(["user", "1"])).toEqual(["user/1", "user/1/x"]);
        expect(await search(["1"])).toEqual(["1/user"]);
        expect(await search(["use"])).toEqual([]);
        expect(await search([])).toHaveLength(6);
      }
    });

    promise("a query ranks by cosine similarity of the embeddings and reports it", async () => {
      const texts = ["Ben plays the guitar", "Ana lives in Oslo", "The weather was nice", "Ana lives in Rome"];
      for (const text of texts) await store.put(["m"], text, { text });
      const found = await store.search(["m"], { query: "Ana lives in Oslo" });
      expect(found[0]!.key).toBe("Ana lives in Oslo");
      expect(found[0]!.score).toBeCloseTo(1, 5);
      const query = await embeddings.embedQuery("Ana lives in Oslo");
      for (const { key, score } of found) {
        const vector = await embeddings.embedQuery(key);
        expect(score).toBeCloseTo(
          vector.reduce((sum, value, at) => sum + value * query[at]!, 0),
          5,
        );
      }
      expect(found.map(({ score }) => score)).toEqual(found.map(({ score }) => score).sort((a, b) => b! - a!));
    });

    promise("an item is found by the best of its indexed texts, once", async () => {
      await store.put(["m"], "many", { text: "about cooking", notes: ["sailing boats", "mountain climbing"] });
      await store.put(["m"], "one", { text: "sailing at night" });
      const found = await store.search(["m"], { query: "mountain climbing" });
      expect(keys(found)).toEqual(["many", "one"]);
      expect(found[0]!.score).toBeCloseTo(1, 5);
    });

    promise("with fewer texts than before, an item is no longer found by the lost ones", async () => {
      await store.put(["m"], "k", { text: "cooking", notes: ["sailing boats", "mountain climbing"] });
      await store.put(["m"], "k", { text: "cooking", notes: ["sailing boats"] });
      const [found] = await store.search(["m"], { query: "mountain climbing" });
      expect(found!.score).toBeLessThan(0.9);
    });

    promise(
      "index: false keeps an item out of the ranking, and it follows the ranked ones without a score",
      async () => {
        await store.put(["m"], "hidden", { text: "Ana lives in Oslo" }, false);
        await store.put(["m"], "seen", { text: "Ben plays the guitar" });
        const found = await store.search(["m"], { query: "Ana lives in Oslo" });
        expect(keys(found)).toEqual(["seen", "hidden"]);
        expect(found[1]!.score).toBeUndefined();
      },
    );

    promise("a put may name the fields to index", async () => {
      await store.put(["m"], "k", { text: "Ana lives in Oslo", place: { city: "Bergen harbour" } }, ["place.city"]);
      const [found] = await store.search(["m"], { query: "Bergen harbour" });
      expect(found!.score).toBeCloseTo(1, 5);
    });

    promise("items without a vector are paged after the scored ones, each once", async () => {
      for (const key of ["a", "b", "c"]) await store.put(["m"], key, { text: `text ${key}` });
      for (const key of ["x", "y", "z"]) await store.put(["m"], key, { other: key });
      const pages = [0, 2, 4].map((offset) => store.search(["m"], { query: "text b", limit: 2, offset }));
      const found = keys((await Promise.all(pages)).flat());
      expect(found[0]).toBe("b");
      expect(found.slice(3)).toEqual(["x", "y", "z"]);
      expect(new Set(found).size).toBe(6);
    });

    promise("filters compare fields by equality and by operators", async () => {
      const values = [
        { kind: "a", n: 1, done: true },
        { kind: "b", n: 2.5, done: false },
        { kind: "a", n: 3, done: null },
        { kind: "c", n: "4" },
      ];
      for (const [at, value] of values.entries()) await store.put(["f"], String(at), { ...value, text: "words" });
      const cases: [Record<string, unknown>, string[]][] = [
        [{ kind: "a" }, ["0", "2"]],
        [{ kind: "a", n: 3 }, ["2"]],
        [{ n: 2.5 }, ["1"]],
        [{ n: 4 }, []],
        [{ done: null }, ["2"]],
        [{ done: false }, ["1"]],
        [{ missing: "x" }, []],
        [{ kind: { $eq: "a" } }, ["0", "2"]],
        [{ kind: { $ne: "a" } }, ["1", "3"]],
        [{ n: { $gt: 2 } }, ["1", "2", "3"]],
        [{ n: { $gte: 2.5, $lt: 4 } }, ["1", "2"]],
        [{ n: { $lte: 1 } }, ["0"]],
        [{ kind: "a", n: { $gt: 1 } }, ["2"]],
      ];
      for (const [filter, expected] of cases) {
        expect(keys(await store.search(["f"], { filter })).sort(), JSON.stringify(filter)).toEqual(expected);
        const queried = await store.search(["f"], { filter, query: "words", limit: 4 });
        expect(keys(queried).sort(), `query and ${JSON.stringify(filter)}`).toEqual(expected);
      }
    });

    promise("a filter by a long text compares all of it", async () => {
      const long = "a long memory text ".repeat(20);
      await store.put(["f"], "same", { text: long });
      await store.put(["f"], "other", { text: `${long}!` });
      expect(keys(await store.search(["f"], { filter: { text: long } }))).toEqual(["same"]);
    });

    promise("limit and offset cut the same order that a search without them gives", async () => {
      for (let at = 0; at < 23; at += 1)
        await store.put(["p"], `k${at}`, { text: `memory number ${at}`, even: at % 2 === 0 });
      for (const options of [{}, { query: "memory number 7" }, { filter: { even: { $ne: true } } }]) {
        const all = keys(await store.search(["p"], { ...options, limit: 100 }));
        const pages = [0, 5, 10, 15, 20].map((offset) => store.search(["p"], { ...options, limit: 5, offset }));
        expect(keys((await Promise.all(pages)).flat())).toEqual(all);
      }
      expect(await store.search(["p"])).toHaveLength(10);
      expect(await store.search(["p"], { limit: 0 })).toEqual([]);
      expect(await store.search(["p"], { offset: 50 })).toEqual([]);
    });

    promise("without a query, items come in the order of creation, and an update does not move them", async () => {
      for (const key of ["c", "a", "b"]) await store.put(["o"], key, { text: key });
      await store.put(["o"], "a", { text: "again" });
      expect(keys(await store.search(["o"]))).toEqual(["c", "a", "b"]);
    });

    promise("reads of a batch see the state before it, and its last write of a key wins", async () => {
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
      expect(keys(await store.search(["b"]))).toEqual(["k"]);
    });

    promise("writes of one key that are not waited for are applied in their order", async () => {
      await Promise.all(Array.from({ length: 8 }, (_, at) => store.put(["w"], "k", { text: `text ${at}` })));
      expect((await store.get(["w"], "k"))!.value).toEqual({ text: "text 7" });
    });

    promise("namespaces are listed by prefix, suffix, wildcard and depth, sorted, in pages", async () => {
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
    });

    promise("a namespace is listed only while it holds an item", async () => {
      await store.put(["a"], "k", { text: "x" });
      await store.put(["a", "b"], "k", { text: "x" });
      await store.delete(["a"], "k");
      await store.delete(["never"], "k");
      expect(await store.listNamespaces()).toEqual([["a", "b"]]);
    });

    promise("a namespace that is empty, has an empty or dotted label, or a reserved root is refused", async () => {
      for (const namespace of [[], [""], ["a", ""], ["a.b"], ["langgraph"]])
        await expect(store.put(namespace, "k", { text: "x" })).rejects.toThrow(/namespace/i);
      await expect(store.batch([{ namespace: ["a.b"], key: "k", value: { text: "x" } }])).rejects.toThrow(/namespace/i);
      await expect(store.batch([{ namespacePrefix: ["a", ""] }])).rejects.toThrow(/namespace/i);
      expect(await store.search([])).toEqual([]);
    });

    promise("keys and values may hold any text", async () => {
      const odd = ["", "a:b", '["a"]', "ключ 🗝", "with\nnewline", "'; DROP TABLE embeddings; --", "$and"];
      for (const key of odd) await store.put(["odd"], key, { text: key, [key || "empty"]: key });
      for (const key of odd) expect((await store.get(["odd"], key))!.value.text).toBe(key);
      const found = await store.search(["odd"], { filter: { $and: "$and" } });
      expect(keys(found)).toEqual(["$and"]);
    });

    it("skips only promises that there are", () => {
      expect(Object.keys(skips).filter((title) => !titles.has(title))).toEqual([]);
    });
  });
}
