import { ChromaClient } from "chromadb";
import { describe, expect, it } from "vitest";
import { newChromaStore, testServer } from "./servers.js";

const { url } = await testServer();
const client = new ChromaClient({ host: "127.0.0.1", port: Number(new URL(url).port) });

describe("the rows of an item", () => {
  it("are never fewer than before, are found only by the texts of the last write, and go with the item", async () => {
    const store = newChromaStore(url, { collection: "fewer" });
    const collection = async () => client.getCollection({ name: "fewer" });
    await store.put(["a"], "k", { text: "green tea", notes: ["old maps", "sailing boats"] });
    for (const index of [["text"], false] as const) {
      await store.put(["a"], "k", { text: "jazz" }, index && [...index]);
      expect(await (await collection()).count()).toBe(3);
      const found = await store.search(["a"], { query: "sailing boats" });
      expect(found).toHaveLength(1);
      expect(found[0]!.score ?? 0).toBeLessThan(0.5);
    }
    await store.delete(["a"], "k");
    expect(await (await collection()).count()).toBe(0);
  });
});
