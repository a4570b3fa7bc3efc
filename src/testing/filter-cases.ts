import { expect } from "vitest";
import { keysOf, type StoreCases } from "./store-case.js";

/** What filters let through. */
export const filterCases = {
  "filters compare fields by equality and by operators": async ({ store }) => {
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
      expect(keysOf(await store.search(["f"], { filter })).sort(), JSON.stringify(filter)).toEqual(expected);
      const queried = await store.search(["f"], { filter, query: "words", limit: 4 });
      expect(keysOf(queried).sort(), `query and ${JSON.stringify(filter)}`).toEqual(expected);
    }
  },

  "a filter by a long text compares all of it": async ({ store }) => {
    const long = "a long memory text ".repeat(20);
    await store.put(["f"], "same", { text: long });
    await store.put(["f"], "other", { text: `${long}!` });
    expect(keysOf(await store.search(["f"], { filter: { text: long } }))).toEqual(["same"]);
  },

  "a filter by an object holds where all that it names holds, at any depth": async ({ store }) => {
    await store.put(["f"], "oslo", { place: { city: "Oslo", at: { north: 59.9 } }, tags: ["a", "b"] });
    await store.put(["f"], "rome", { place: { city: "Rome", at: { north: 41.9 } }, tags: ["a"] });
    await store.put(["f"], "none", { place: "Oslo" });
    const cases: [Record<string, unknown>, string[]][] = [
      [{ place: { city: "Oslo" } }, ["oslo"]],
      [{ place: { at: { north: { $lt: 50 } } } }, ["rome"]],
      [{ place: { city: { $ne: "Rome" }, at: { north: 59.9 } } }, ["oslo"]],
      [{ place: { city: { $eq: "Rome" } }, tags: ["a"] }, ["rome"]],
      [{ tags: ["a", "b"] }, ["oslo"]],
      [{ place: { missing: "Oslo" } }, []],
    ];
    for (const [filter, expected] of cases)
      expect(keysOf(await store.search(["f"], { filter })), JSON.stringify(filter)).toEqual(expected);
  },

  "a filter with an operator that there is not is refused": async ({ store }) => {
    await store.put(["f"], "k", { n: 1, deep: { n: 1 } });
    for (const filter of [{ n: { $regex: "1" } }, { n: { $gt: 0, $near: 2 } }, { deep: { n: { $exists: true } } }])
      await expect(store.search(["f"], { filter }), JSON.stringify(filter)).rejects.toThrow(/operator/i);
  },
} satisfies StoreCases;
