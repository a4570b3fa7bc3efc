import {
  AsyncBatchedStore,
  type BaseStore,
  InMemoryStore,
  type LangGraphRunnableConfig,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { OverlayStore } from "../../src/store/overlay-store.js";
import { conformanceIndex, storeConformance } from "../../src/testing/index.js";
import { newChromaStore, testServer } from "./servers.js";

const { url } = await testServer();
const memory = () => new InMemoryStore({ index: conformanceIndex });

storeConformance("OverlayStore over InMemoryStore", (index) => new OverlayStore(new InMemoryStore({ index })));
storeConformance("OverlayStore over ChromaStore", (index) => new OverlayStore(newChromaStore(url, { index })));
storeConformance(
  "OverlayStore over OverlayStore",
  (index) => new OverlayStore(new OverlayStore(new InMemoryStore({ index }))),
);

const bases: [string, () => BaseStore][] = [
  ["InMemoryStore", memory],
  ["ChromaStore", () => newChromaStore(url)],
];

describe.each(bases)("OverlayStore over a filled %s", (_, makeBase) => {
  const keys = (items: readonly { key: string }[]) => items.map(({ key }) => key);
  async function filled(): Promise<BaseStore> {
    const base = makeBase();
    await base.put(["m"], "oslo", { text: "Ana lives in Oslo" });
    await base.put(["m"], "jazz", { text: "Ana likes jazz" });
    await base.put(["m", "sub"], "dog", { text: "Ana has a dog" });
    return base;
  }

  it("reads through, and never writes to the base", async () => {
    const base = await filled();
    const before = JSON.stringify([await base.search([]), await base.listNamespaces()]);
    const fork = new OverlayStore(base);
    expect((await fork.get(["m"], "oslo"))!.value).toEqual({ text: "Ana lives in Oslo" });
    await fork.put(["m"], "oslo", { text: "Ana lives in Rome" });
    await fork.put(["new"], "k", { text: "new" });
    await fork.delete(["m"], "jazz");
    const [item] = await fork.search(["m", "sub"]);
    item!.value.text = "changed by its reader";
    expect(JSON.stringify([await base.search([]), await base.listNamespaces()])).toBe(before);
    expect((await fork.get(["m", "sub"], "dog"))!.value).toEqual({ text: "Ana has a dog" });
  });

  it("keeps forks apart", async () => {
    const base = await filled();
    const forks = Array.from({ length: 1000 }, () => new OverlayStore(base));
    await forks[1]!.put(["m"], "oslo", { text: "one" });
    await forks[2]!.delete(["m"], "oslo");
    expect((await forks[0]!.get(["m"], "oslo"))!.value).toEqual({ text: "Ana lives in Oslo" });
    expect((await forks[1]!.get(["m"], "oslo"))!.value).toEqual({ text: "one" });
    expect(await forks[2]!.get(["m"], "oslo")).toBeNull();
  });

  it("ranks the base's and its own items in one order, without those it replaced", async () => {
    const fork = new OverlayStore(await filled());
    await fork.put(["m"], "oslo", { text: "Ben plays chess" });
    await fork.put(["m"], "rome", { text: "Ana lives in Rome" });
    const found = await fork.search(["m"], { query: "Ana lives in Rome", limit: 2 });
    expect(found[0]!.key).toBe("rome");
    expect(found[0]!.score).toBeCloseTo(1, 5);
    expect(keys(found)).not.toContain("oslo");
    expect(found).toHaveLength(2);
  });

  it("fills a search to its limit, however many of the base's best it deleted", async () => {
    const fork = new OverlayStore(await filled());
    await fork.delete(["m"], "oslo");
    await fork.delete(["m"], "jazz");
    expect(keys(await fork.search(["m"], { limit: 1 }))).toEqual(["dog"]);
    expect(keys(await fork.search(["m"], { limit: 1, query: "Ana lives in Oslo" }))).toEqual(["dog"]);
  });

  it("shows an overwritten item at its place, and one that was deleted and put again at the end", async () => {
    const fork = new OverlayStore(await filled());
    await fork.put(["m"], "oslo", { text: "again" });
    expect(keys(await fork.search(["m"]))).toEqual(["oslo", "jazz", "dog"]);
    await fork.delete(["m"], "oslo");
    await fork.put(["m"], "oslo", { text: "back" });
    expect(keys(await fork.search(["m"]))).toEqual(["jazz", "dog", "oslo"]);
  });

  it("keeps the time of creation of an item that it overwrites", async () => {
    const base = await filled();
    const fork = new OverlayStore(base, { now: () => new Date(9e12) });
    await fork.put(["m"], "oslo", { text: "again" });
    const item = await fork.get(["m"], "oslo");
    expect(item!.createdAt).toEqual((await base.get(["m"], "oslo"))!.createdAt);
    expect(item!.updatedAt).toEqual(new Date(9e12));
  });

  it("lists a namespace of the base no longer once all its items are deleted here", async () => {
    const fork = new OverlayStore(await filled());
    await fork.delete(["m"], "oslo");
    expect(await fork.listNamespaces()).toEqual([["m"], ["m", "sub"]]);
    await fork.delete(["m"], "jazz");
    expect(await fork.listNamespaces()).toEqual([["m", "sub"]]);
    await fork.put(["z"], "k", { text: "x" });
    expect(await fork.listNamespaces({ limit: 1, offset: 1 })).toEqual([["z"]]);
  });
});

describe("OverlayStore", () => {
  it("forks the store that a graph's node is given, with its embeddings, after the run has ended too", async () => {
    const base = memory();
    await base.put(["m"], "oslo", { text: "Ana lives in Oslo" });
    let given: BaseStore | undefined;
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("node", async (_, config: LangGraphRunnableConfig) => {
        given = config.store;
        const fork = new OverlayStore(config.store!);
        await fork.put(["m"], "rome", { text: "Ana lives in Rome" });
        expect((await fork.search(["m"], { query: "Ana lives in Rome" })).map(({ key }) => key)).toEqual([
          "rome",
          "oslo",
        ]);
        return {};
      })
      .addEdge(START, "node")
      .compile({ store: base });
    await graph.invoke({ messages: [] });
    expect(given).toBeInstanceOf(AsyncBatchedStore);
    expect(await new OverlayStore(given!).listNamespaces()).toEqual([["m"]]);
    expect(await base.search(["m"])).toHaveLength(1);
  });

  it("ranks over a base that does not embed by the embeddings that it is given", async () => {
    const base = new InMemoryStore();
    await base.put(["m"], "base", { text: "Ana lives in Oslo" });
    const fork = new OverlayStore(base, conformanceIndex);
    await fork.put(["m"], "own", { text: "Ana lives in Rome" });
    const found = await fork.search(["m"], { query: "Ana lives in Rome" });
    expect(found.map(({ key, score }) => [key, score === undefined])).toEqual([
      ["own", false],
      ["base", true],
    ]);
  });
});
