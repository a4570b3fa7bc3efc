import { ChromaClient } from "chromadb";
import { describe, expect, it } from "vitest";
import { newChromaStore, testServer } from "./servers.js";

const { url } = await testServer();

describe("two stores that write one collection", () => {
  it("leave each item as one of them wrote it, and find it only by what it holds", async () => {
    const stores = [0, 1].map(() => newChromaStore(url, { collection: "shared" }));
    const notes = [["sailing boats", "mountain huts", "old maps"], ["green tea"]];
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(
        stores.flatMap((store, writer) =>
          ["a", "b", "c"].map((key) =>
            store.put(["w"], key, { text: `writer ${writer}`, notes: notes[writer], writer }),
          ),
        ),
      );
      for (const key of ["a", "b", "c"]) {
        const items = await Promise.all(stores.map((store) => store.get(["w"], key)));
        expect(items[0]).toEqual(items[1]);
        const writer = Number(items[0]!.value.writer);
        expect(items[0]!.value).toEqual({ text: `writer ${writer}`, notes: notes[writer], writer });
        const lost = await stores[0]!.search(["w"], { query: notes[1 - writer]![0]!, filter: { writer } });
        for (const { score } of lost) expect(score).toBeLessThan(0.8);
        const [own] = await stores[1]!.search(["w"], { query: notes[writer]!.at(-1)!, filter: { writer } });
        expect(own!.score).toBeCloseTo(1, 5);
      }
    }
  });

  it("delete an item with all its vectors, whoever wrote them", async () => {
    const [writer, deleter] = [0, 1].map(() => newChromaStore(url, { collection: "deleted-by-other" }));
    await writer!.put(["w"], "k", { text: "one" });
    await deleter!.get(["w"], "k");
    await writer!.put(["w"], "k", { text: "one", notes: ["two", "three"] });
    await deleter!.delete(["w"], "k");
    const client = new ChromaClient({ host: "127.0.0.1", port: Number(new URL(url).port) });
    expect(await (await client.getCollection({ name: "deleted-by-other" })).count()).toBe(0);
    expect(await writer!.search(["w"], { query: "three" })).toEqual([]);
  });

  it("leave an item whole or not at all where one deletes what the other writes", async () => {
    const [writer, deleter] = [0, 1].map(() => newChromaStore(url, { collection: "deleted-while-written" }));
    const notes = ["sailing boats", "mountain huts", "old maps"];
    for (let round = 0; round < 8; round += 1) {
      await writer!.put(["w"], "k", { text: "one", notes });
      await Promise.all([writer!.put(["w"], "k", { text: "two", notes }), deleter!.delete(["w"], "k")]);
      const item = await deleter!.get(["w"], "k");
      for (const query of item === null ? [] : notes) {
        const [found] = await deleter!.search(["w"], { query });
        expect(found!.score).toBeCloseTo(1, 5);
      }
    }
  });

  it("keep the time of creation of an item that the other one made", async () => {
    const [first, second] = [1, 2].map((hour) =>
      newChromaStore(url, { collection: "times", now: () => new Date(hour * 3_600_000) }),
    );
    await first!.put(["w"], "k", { text: "x" });
    await second!.put(["w"], "k", { text: "y" });
    const item = await first!.get(["w"], "k");
    expect(item!.createdAt).toEqual(new Date(3_600_000));
    expect(item!.updatedAt).toEqual(new Date(7_200_000));
    expect(item!.value).toEqual({ text: "y" });
  });
});
