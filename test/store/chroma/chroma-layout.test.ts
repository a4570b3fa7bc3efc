import { ChromaClient, type Collection } from "chromadb";
import { describe, expect, it } from "vitest";
import { itemId } from "../../../src/store/chroma/chroma-rows.js";
import { LexicalEmbeddings } from "../../../src/store/search/lexical-embeddings.js";
import { conformanceIndex } from "../../../src/testing/index.js";
import { newChromaStore, testServer } from "../servers.js";

const { url } = await testServer();
const { embeddings } = conformanceIndex;
const client = new ChromaClient({ host: "127.0.0.1", port: Number(new URL(url).port) });

const lexical = () => new LexicalEmbeddings({ dimensions: 128 });

/** A collection with one item of two texts, as the version before wrote it. */
async function earlierCollection(name: string): Promise<Collection> {
  const metadata = {
    memory_r1_layout: "langgraph-store-2",
    memory_r1_embeddings: "lexical-v2-128",
    memory_r1_dimension: 128,
  };
  const collection = await client.createCollection({ name, metadata, embeddingFunction: null });
  const id = itemId(["a"], "k");
  const head = { ns: ["a"], key: "k", rows: 2, indexed: true, created: 1000, updated: 2000, stamp: "s" };
  const shared = { p1: "a", "=text": '"green tea"' };
  await collection.upsert({
    ids: [id, `${id}-1`],
    embeddings: await embeddings.embedDocuments(["green tea", "old maps"]),
    metadatas: [
      { ...shared, head: JSON.stringify(head) },
      { ...shared, of: id, stamp: "s" },
    ],
    documents: ['{"text":"green tea","notes":["old maps"]}', ""],
  });
  return collection;
}

describe("a collection of the layout before", () => {
  it("is read, found by each vector and by its fields, and deleted whole", async () => {
    const collection = await earlierCollection("earlier-read");
    const store = newChromaStore(url, { collection: "earlier-read" });
    const value = { text: "green tea", notes: ["old maps"] };
    expect(await store.get(["a"], "k")).toMatchObject({ value, createdAt: new Date(1000), updatedAt: new Date(2000) });
    const [found] = await store.search(["a"], { query: "old maps", filter: { text: "green tea" } });
    expect(found).toMatchObject({ key: "k", value });
    expect(found!.score).toBeCloseTo(1, 5);
    await store.delete(["a"], "k");
    expect(await collection.count()).toBe(0);
  });

  it("keeps the times of creation when its items are written anew, and none of their old texts", async () => {
    const collection = await earlierCollection("earlier-written");
    const store = newChromaStore(url, { collection: "earlier-written" });
    await store.put(["a"], "k", { text: "jazz" });
    expect(await store.get(["a"], "k")).toMatchObject({ value: { text: "jazz" }, createdAt: new Date(1000) });
    const [lost] = await store.search(["a"], { query: "old maps" });
    expect(lost!.score).toBeLessThan(0.5);
    const { documents, metadatas } = await collection.get();
    expect(documents).toEqual(["", ""]);
    expect(JSON.stringify(metadatas)).not.toMatch(/tea|maps/);
  });

  it("gets the name of the layout of today, which an earlier version refuses", async () => {
    const { metadata } = await earlierCollection("earlier-named");
    await newChromaStore(url, { collection: "earlier-named" }).get(["a"], "k");
    const found = await client.getCollection({ name: "earlier-named" });
    expect(found.metadata).toEqual({ ...metadata, memory_r1_layout: "langgraph-store-3" });
  });
});

describe("a collection of the time when all sentence encoders had one name", () => {
  it("is opened by one, takes its name, and is refused to another of the same dimension from then on", async () => {
    const metadata = {
      memory_r1_layout: "langgraph-store-3",
      memory_r1_embeddings: "OnnxEmbeddings",
      memory_r1_dimension: 128,
    };
    const name = "earlier-encoder";
    await client.createCollection({ name, metadata, embeddingFunction: null });
    const open = (encoder: string) =>
      newChromaStore(url, { collection: name, embeddings: Object.assign(lexical(), { name: encoder }) }).start();
    await expect(open("lexical-v2-128")).rejects.toThrow(/written with other embeddings/);
    await open("onnx:0123456789abcdef:mean:|");
    expect((await client.getCollection({ name })).metadata).toEqual({
      ...metadata,
      memory_r1_embeddings: "onnx:0123456789abcdef:mean:|",
    });
    await open("onnx:0123456789abcdef:mean:|");
    await expect(open("onnx:fedcba9876543210:mean:|")).rejects.toThrow(
      /name "onnx:0123.*found name "onnx:fedc.*another collection name/s,
    );
  });
});

describe("the rows of an item", () => {
  it("hold a value that is too long for the metadata as a document, and change with its length", async () => {
    const store = newChromaStore(url, { limits: { metadataBytes: 300 }, collection: "long" });
    for (const length of [10, 1000, 20, 2000, 2000, 30]) {
      const value = { text: "ü".repeat(length) };
      await store.put(["a"], "k", value);
      const other = newChromaStore(url, { collection: "long" });
      expect((await other.get(["a"], "k"))!.value).toEqual(value);
      expect((await store.search(["a"], { query: value.text }))[0]!.value).toEqual(value);
    }
    const { documents } = await (await client.getCollection({ name: "long" })).get();
    expect(documents).toEqual([""]);
  });

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
