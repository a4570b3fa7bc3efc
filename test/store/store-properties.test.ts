import { type BaseStore, InMemoryStore } from "@langchain/langgraph";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OverlayStore } from "../../src/store/overlay-store.js";
import { conformanceIndex } from "../../src/testing/index.js";
import { newChromaStore, testServer } from "./servers.js";

const { url } = await testServer();
const memory = () => new InMemoryStore({ index: conformanceIndex });

type Write = { namespace: string[]; key: string; value: { text?: string; notes?: string[]; n: number } | null };
type Search = { prefix: string[]; query?: string; filter?: Record<string, unknown>; limit: number };

const label = fc.constantFrom("a", "b", "ab");
// Few namespaces and keys, so that writes often meet.
const namespace = fc.constantFrom(["a"], ["a", "b"], ["ab"]).map((labels) => [...labels]);
const text = fc
  .array(fc.constantFrom("Ana", "Ben", "lives", "Oslo", "Rome", "jazz", "dog"), { minLength: 1, maxLength: 4 })
  .map((words) => words.join(" "));
// A key has always as many texts: InMemoryStore keeps the vectors of texts that are no longer there.
const key = fc.constantFrom("one", "other", "three", "untexted");
const newValue = (key: string, text: string, n: number) => {
  if (key === "untexted") return { n };
  return key === "three" ? { text, notes: [`${text} dog`, `Ben ${n}`], n } : { text, n };
};
const write: fc.Arbitrary<Write> = fc
  .record({ namespace, key, text, n: fc.integer({ min: 0, max: 3 }), deleted: fc.nat(3) })
  .map(({ namespace, key, text, n, deleted }) => ({
    namespace,
    key,
    value: deleted === 0 ? null : newValue(key, text, n),
  }));
const batches = fc.array(fc.array(write, { minLength: 1, maxLength: 6 }), { maxLength: 5 });
const filter = fc.oneof(
  fc.record({ n: fc.nat(3) }),
  fc.record({ n: fc.record({ $gte: fc.nat(3) }) }),
  fc.record({ text, n: fc.record({ $ne: fc.nat(3) }) }),
);
const search: fc.Arbitrary<Search> = fc.record(
  { prefix: fc.array(label, { maxLength: 2 }), query: text, filter, limit: fc.integer({ min: 1, max: 6 }) },
  { requiredKeys: ["prefix", "limit"] },
);
const searches = fc.array(search, { minLength: 1, maxLength: 4 });

async function apply(store: BaseStore, writes: readonly (readonly Write[])[]): Promise<void> {
  for (const batch of writes) await store.batch([...batch]);
}

const path = (item: { namespace: string[]; key: string }) => [...item.namespace, item.key].join("/");
const all = { limit: 1000 };

/** Both hold the same items, list the same namespaces, and rank the same by every search, up to the order of equals. */
async function expectSame(store: BaseStore, reference: BaseStore, wanted: readonly Search[]): Promise<void> {
  const found = (await store.search([], all)).map((item) => [path(item), item.value]).sort();
  const expected = (await reference.search([], all)).map((item) => [path(item), item.value]).sort();
  expect(found).toEqual(expected);
  const holding = [...new Set((await reference.search([], all)).map((item) => item.namespace.join(":")))];
  expect((await store.listNamespaces(all)).map((labels) => labels.join(":"))).toEqual(
    holding.sort((left, right) => left.localeCompare(right)),
  );
  for (const { prefix, limit, ...options } of wanted) {
    const scores = new Map(
      (await reference.search(prefix, { ...options, ...all })).map((item) => [path(item), item.score]),
    );
    const cut = await store.search(prefix, { ...options, limit });
    const cutReference = await reference.search(prefix, { ...options, limit });
    expect(new Set(cut.map(path)).size).toBe(cutReference.length);
    for (const [at, item] of cut.entries()) {
      expect(scores.has(path(item))).toBe(true);
      for (const score of [scores.get(path(item)), cutReference[at]!.score])
        score === undefined ? expect(item.score).toBeUndefined() : expect(item.score).toBeCloseTo(score, 5);
    }
  }
}

describe("a random sequence of writes and searches gives what InMemoryStore gives", () => {
  it("in ChromaStore", async () => {
    await fc.assert(
      fc.asyncProperty(batches, searches, async (writes, wanted) => {
        const [store, reference] = [newChromaStore(url, { limits: { records: 3, results: 3 } }), memory()];
        await apply(store, writes);
        await apply(reference, writes);
        await expectSame(store, reference, wanted);
      }),
      { numRuns: 12 },
    );
  });

  it.each([
    ["InMemoryStore", memory, 100],
    ["ChromaStore", () => newChromaStore(url), 8],
    ["OverlayStore", () => new OverlayStore(memory()), 60],
  ] as const)("in an OverlayStore over %s, whose base stays as it was", async (_, makeBase, numRuns) => {
    await fc.assert(
      fc.asyncProperty(batches, batches, searches, async (before, after, wanted) => {
        const [base, untouched, reference] = [makeBase(), memory(), memory()];
        await apply(untouched, before);
        // Without deletes: InMemoryStore goes on listing a namespace that held an item once.
        const survivors = await untouched.search([], all);
        await apply(base, [survivors.map(({ namespace, key, value }) => ({ namespace, key, value }) as Write)]);
        await apply(reference, [...before, ...after]);
        const fork = new OverlayStore(base);
        await apply(fork, after);
        await expectSame(fork, reference, wanted);
        const items = async (store: BaseStore) =>
          (await store.search([], all)).map((item) => [path(item), item.value]).sort();
        expect(await items(base)).toEqual(await items(untouched));
      }),
      { numRuns },
    );
  });
});
