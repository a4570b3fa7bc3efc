import { expect } from "vitest";
import { keysOf, type StoreCases } from "./store-case.js";

/** What a search finds, and in which order. */
export const searchCases = {
  "a namespace prefix is compared label by label": async ({ store }) => {
    for (const namespace of [["user"], ["user", "1"], ["user", "1", "x"], ["user", "12"], ["users"], ["1", "user"]])
      await store.put(namespace, namespace.join("/"), { text: "same words" });
    for (const query of [undefined, "same words"]) {
      const search = async (prefix: string[]) => keysOf(await store.search(prefix, query ? { query } : {})).sort();
      expect(await search(["user"])).toEqual(["user", "user/1", "user/1/x", "user/12"]);
      expect(await search(["user", "1"])).toEqual(["user/1", "user/1/x"]);
      expect(await search(["1"])).toEqual(["1/user"]);
      expect(await search(["use"])).toEqual([]);
      expect(await search([])).toHaveLength(6);
    }
  },

  "a query ranks by cosine similarity of the embeddings and reports it": async ({ store, embeddings }) => {
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
  },

  "an item is found by the best of its indexed texts, once": async ({ store }) => {
    await store.put(["m"], "many", { text: "about cooking", notes: ["sailing boats", "mountain climbing"] });
    await store.put(["m"], "one", { text: "sailing at night" });
    const found = await store.search(["m"], { query: "mountain climbing" });
    expect(keysOf(found)).toEqual(["many", "one"]);
    expect(found[0]!.score).toBeCloseTo(1, 5);
  },

  "with fewer texts than before, an item is no longer found by the lost ones": async ({ store }) => {
    await store.put(["m"], "k", { text: "cooking", notes: ["sailing boats", "mountain climbing"] });
    await store.put(["m"], "k", { text: "cooking", notes: ["sailing boats"] });
    const [found] = await store.search(["m"], { query: "mountain climbing" });
    expect(found!.score).toBeLessThan(0.9);
  },

  "index: false keeps an item out of the ranking, and it follows the ranked ones without a score": async ({
    store,
  }) => {
    await store.put(["m"], "hidden", { text: "Ana lives in Oslo" }, false);
    await store.put(["m"], "seen", { text: "Ben plays the guitar" });
    const found = await store.search(["m"], { query: "Ana lives in Oslo" });
    expect(keysOf(found)).toEqual(["seen", "hidden"]);
    expect(found[1]!.score).toBeUndefined();
  },

  "a put may name the fields to index": async ({ store }) => {
    await store.put(["m"], "k", { text: "Ana lives in Oslo", place: { city: "Bergen harbour" } }, ["place.city"]);
    const [found] = await store.search(["m"], { query: "Bergen harbour" });
    expect(found!.score).toBeCloseTo(1, 5);
  },

  "items without a vector are paged after the scored ones, each once": async ({ store }) => {
    for (const key of ["a", "b", "c"]) await store.put(["m"], key, { text: `text ${key}` });
    for (const key of ["x", "y", "z"]) await store.put(["m"], key, { other: key });
    const pages = [0, 2, 4].map((offset) => store.search(["m"], { query: "text b", limit: 2, offset }));
    const found = keysOf((await Promise.all(pages)).flat());
    expect(found[0]).toBe("b");
    expect(found.slice(3)).toEqual(["x", "y", "z"]);
    expect(new Set(found).size).toBe(6);
  },

  "limit and offset cut the same order that a search without them gives": async ({ store }) => {
    for (let at = 0; at < 23; at += 1)
      await store.put(["p"], `k${at}`, { text: `memory number ${at}`, even: at % 2 === 0 });
    for (const options of [{}, { query: "memory number 7" }, { filter: { even: { $ne: true } } }]) {
      const all = keysOf(await store.search(["p"], { ...options, limit: 100 }));
      const pages = [0, 5, 10, 15, 20].map((offset) => store.search(["p"], { ...options, limit: 5, offset }));
      expect(keysOf((await Promise.all(pages)).flat())).toEqual(all);
    }
    expect(await store.search(["p"])).toHaveLength(10);
    expect(await store.search(["p"], { limit: 0 })).toEqual([]);
    expect(await store.search(["p"], { offset: 50 })).toEqual([]);
  },

  "without a query, items come in the order of creation, and an update does not move them": async ({ store }) => {
    for (const key of ["c", "a", "b"]) await store.put(["o"], key, { text: key });
    await store.put(["o"], "a", { text: "again" });
    expect(keysOf(await store.search(["o"]))).toEqual(["c", "a", "b"]);
  },
} satisfies StoreCases;
