import { InMemoryStore } from "@langchain/langgraph";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hybridSearch } from "../../../src/store/search/hybrid-search.js";
import { fuse } from "../../../src/store/search/rank-fusion.js";
import { TextIndex } from "../../../src/store/search/text-index.js";
import { conformanceIndex } from "../../../src/testing/index.js";
import { newChromaStore, testServer } from "../servers.js";

const { url } = await testServer();
const texts = [
  "Ana's flight number is QX4711",
  "Ana flew home on Monday",
  "Ben booked a flight to Rome",
  "the number of guests is twelve",
  "Ana plays the violin",
];
const stores = {
  InMemoryStore: () => new InMemoryStore({ index: conformanceIndex }),
  ChromaStore: () => newChromaStore(url),
};

const indexed = (list: readonly string[]) => list.map((text, at) => ({ id: `t${at}`, text }));

describe("TextIndex", () => {
  it("puts the rare word before the common one, and leaves out texts without a word of the query", () => {
    const index = new TextIndex(indexed(texts));
    const ranked = index.rank("Which flights have the number QX4711?");
    expect(ranked[0]!.id).toBe("t0");
    expect(ranked.map(({ id }) => id)).not.toContain("t1");
    expect(index.rank("violins").map(({ id }) => id)).toEqual(["t4"]);
    expect(index.rank("")).toEqual([]);
  });

  it("ranks after any updates as one that is made of the last texts", () => {
    const word = fc.constantFrom("flight", "flights", "Rome", "number", "violin", "ana");
    const list = fc.array(
      fc.array(word, { maxLength: 4 }).map((words) => words.join(" ")),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 5 }), (lists) => {
        const index = new TextIndex();
        for (const one of lists) index.update(indexed(one));
        const anew = new TextIndex(indexed(lists.at(-1)!)).rank("number of flights to Rome");
        const ranked = index.rank("number of flights to Rome");
        expect(new Map(ranked.map(({ id, score }) => [id, score.toFixed(9)]))).toEqual(
          new Map(anew.map(({ id, score }) => [id, score.toFixed(9)])),
        );
      }),
    );
  });
});

const scored = (id: string, score: number) => ({ id, score });

describe("fuse", () => {
  it("sums the relative scores of the rankings, each from its floor to its best", () => {
    const fused = fuse([
      { scored: [scored("a", 0.9), scored("b", 0.8), scored("c", 0.6), scored("d", 0.4)], floor: 0.5 },
      { scored: [scored("c", 12), scored("a", 9)], floor: 0 },
    ]);
    expect(fused).toEqual([
      { id: "a", score: 1.75 },
      { id: "c", score: 1.25 },
      { id: "b", score: 0.75 },
      { id: "d", score: 0 },
    ]);
  });

  it("takes nearly equal sums as equal, in the order of the first ranking, and all of a ranking of equals as the best", () => {
    const tied = [scored("a", 0.9), scored("c", 0.8 - 1e-7), scored("b", 0.8), scored("d", 0.1)];
    expect(fuse([{ scored: tied, floor: 0.1 }]).map(({ id }) => id)).toEqual(["a", "c", "b", "d"]);
    expect(fuse([{ scored: [scored("a", 3), scored("b", 3)], floor: 3 }]).map(({ score }) => score)).toEqual([1, 1]);
    expect(fuse([{ scored: [], floor: 0 }])).toEqual([]);
  });
});

describe.each(Object.entries(stores))("hybridSearch over %s", (_, makeStore) => {
  it("finds by words what vectors rank low, within the filter and the page", async () => {
    const store = makeStore();
    // The vector of the first memory tells nothing of its text.
    await store.put(["m"], "0", { text: "unrelated words", full: texts[0], kind: "fact" });
    for (const [at, text] of texts.entries())
      if (at > 0) await store.put(["m"], String(at), { text, full: text, kind: at === 3 ? "other" : "fact" });
    await store.put(["m2"], "elsewhere", { text: texts[0], full: texts[0], kind: "fact" });
    const query = "flight number QX4711";
    const options = { query, fields: ["full"], filter: { kind: "fact" } };
    const byVector = await hybridSearch(store, ["m"], { ...options, mode: "vector" });
    expect(byVector[0]!.key).not.toBe("0");
    const byText = await hybridSearch(store, ["m"], { ...options, mode: "text" });
    expect(byText.map(({ key }) => key)).toEqual(["0", "2"]);
    const fused = await hybridSearch(store, ["m"], options);
    expect(
      fused
        .map(({ key }) => key)
        .slice(0, 2)
        .sort(),
    ).toEqual(["0", "2"]);
    expect(fused).toHaveLength(4);
    expect(fused.map(({ score }) => score)).toEqual(fused.map(({ score }) => score!).sort((a, b) => b - a));
    const page = await hybridSearch(store, ["m"], { ...options, limit: 2, offset: 1 });
    expect(page.map(({ key }) => key)).toEqual(fused.slice(1, 3).map(({ key }) => key));
  });
});

describe("pages of a hybrid search", () => {
  it("hold every item once, whatever their size", async () => {
    const store = stores.InMemoryStore();
    const words = ["flight", "Rome", "number", "violin", "guests", "Monday", "room"];
    const text = (at: number) => [1, 2, 3, 5].map((step) => words[(at * step + (at >> 3)) % words.length]).join(" ");
    for (let at = 0; at < 320; at++) await store.put(["m"], String(at), { text: `${text(at)} ${at}` });
    for (const limit of [10, 110, 150]) {
      const seen: string[] = [];
      for (let offset = 0; offset < 320; offset += limit) {
        const page = await hybridSearch(store, ["m"], { query: "a flight to Rome", limit, offset });
        seen.push(...page.map(({ key }) => key));
      }
      expect(seen).toHaveLength(320);
      expect(new Set(seen).size).toBe(320);
    }
  });
});

describe("ChromaStore.search", () => {
  it("ranks by the words of its index fields where the mode says so", async () => {
    const store = newChromaStore(url);
    for (const [at, text] of texts.entries()) await store.put(["m"], String(at), { text, hidden: "violin" });
    const found = await store.search(["m"], { query: "violin QX4711", mode: "text" });
    expect(found.map(({ key }) => key).sort()).toEqual(["0", "4"]);
    expect(await store.search(["m"], { query: "violin QX4711", mode: "hybrid", limit: 3 })).toHaveLength(3);
  });
});
