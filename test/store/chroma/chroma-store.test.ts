import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ChromaClient } from "chromadb";
import { afterEach, describe, expect, it, vi } from "vitest";
import { StoreError, UsageError } from "../../../src/errors.js";
import { guarded } from "../../../src/store/chroma/chroma-errors.js";
import { ChromaStore } from "../../../src/store/chroma/chroma-store.js";
import { LexicalEmbeddings } from "../../../src/store/search/lexical-embeddings.js";
import { conformanceIndex, storeConformance } from "../../../src/testing/index.js";
import { newChromaStore, testServer } from "../servers.js";

const { url } = await testServer();
const { embeddings } = conformanceIndex;
const client = new ChromaClient({ host: "127.0.0.1", port: Number(new URL(url).port) });
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => undefined).catch((error: unknown) => error);
afterEach(() => vi.restoreAllMocks());

storeConformance("ChromaStore", (index) => newChromaStore(url, { index }));

describe("ChromaStore", () => {
  it("takes a batch larger than the server's largest, and lists all of it", async () => {
    const most = await client.getMaxBatchSize();
    const store = newChromaStore(url, {
      embeddings: new LexicalEmbeddings({ dimensions: 8 }),
      limits: { records: 1e6 },
    });
    const count = most + 40;
    await store.batch(
      Array.from({ length: count }, (_, at) => ({
        namespace: ["big"],
        key: `k${at}`,
        value: { text: `number ${at}` },
      })),
    );
    const some = [0, most - 1, most, count - 1].map((at) => store.get(["big"], `k${at}`));
    expect((await Promise.all(some)).filter((item) => item === null)).toEqual([]);
    const last = await store.search(["big"], { limit: 10, offset: count - 3 });
    expect(last).toHaveLength(3);
  });

  it("finds all of a namespace whose items have the same vector", async () => {
    const store = newChromaStore(url);
    await store.batch(
      Array.from({ length: 300 }, (_, at) => ({
        namespace: [`n${at % 3}`],
        key: `k${at}`,
        value: { text: "the same words" },
      })),
    );
    const found = await store.search(["n1"], { query: "the same words", limit: 200 });
    expect(new Set(found.map(({ key }) => key)).size).toBe(100);
  });

  it("never lets Chroma embed, and prints nothing", async () => {
    const warn = vi.spyOn(console, "warn");
    const store = newChromaStore(url, { collection: "quiet" });
    await store.put(["a"], "k", { text: "x" });
    await new ChromaStore({ client, embeddings, collection: "quiet" }).get(["a"], "k");
    expect(warn).not.toHaveBeenCalled();
  });

  it("refuses a collection written with embeddings of another dimension or name, and writes nothing", async () => {
    await newChromaStore(url, { collection: "owned" }).put(["a"], "k", { text: "x" });
    const others = [
      new LexicalEmbeddings({ dimensions: 64 }),
      Object.assign(new LexicalEmbeddings({ dimensions: 128 }), { name: "other" }),
    ];
    for (const other of others) {
      const store = newChromaStore(url, { collection: "owned", embeddings: other });
      const error = await failure(store.put(["a"], "new", { text: "y" }));
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({
        where: expect.stringContaining("owned"),
        expected: expect.stringMatching(/"lexical-v2-128" and dimension 128/),
        found: expect.stringMatching(/"lexical-v2-64" and dimension 64|"other" and dimension 128/),
      });
      await expect(store.get(["a"], "k")).rejects.toBeInstanceOf(StoreError);
    }
    expect(await (await client.getCollection({ name: "owned" })).count()).toBe(1);
  });

  it("refuses a collection that something else wrote", async () => {
    const collection = await client.createCollection({ name: "foreign", embeddingFunction: null });
    const error = await failure(newChromaStore(url, { collection: "foreign" }).put(["a"], "k", { text: "x" }));
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ what: expect.stringContaining("was not written by this store") });
    expect(await collection.count()).toBe(0);
  });

  it("refuses vectors that change their length later, or are not finite, before it writes", async () => {
    for (const vector of [[1, 2, 3], new Array<number>(128).fill(Number.NaN)]) {
      const drifting = new LexicalEmbeddings({ dimensions: 128 });
      drifting.embedDocuments = async (texts) => texts.map(() => vector);
      const store = newChromaStore(url, { embeddings: drifting });
      const error = await failure(
        store.batch([
          { namespace: ["a"], key: "plain", value: { other: 1 } },
          { namespace: ["a"], key: "k", value: { text: "x" } },
        ]),
      );
      expect(error).toBeInstanceOf(StoreError);
      expect(await store.search(["a"])).toEqual([]);
    }
  });

  it("says which dimensions Chroma itself expected and got", async () => {
    const collection = await client.createCollection({ name: "three", embeddingFunction: null });
    await collection.upsert({ ids: ["a"], embeddings: [[1, 2, 3]] });
    const error = await failure(guarded("writing", url, () => collection.upsert({ ids: ["b"], embeddings: [[1, 2]] })));
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      expected: "embeddings with dimension 3",
      found: "dimension 2",
      cause: expect.any(Error),
    });
  });

  it("names the URL of a server that cannot be reached, and works once it can", async () => {
    const error = await failure(newChromaStore("http://127.0.0.1:9").put(["a"], "k", { text: "x" }));
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      where: "http://127.0.0.1:9",
      remedy: expect.stringContaining("CHROMA_URL"),
      cause: expect.any(Error),
    });
  });

  it("tells a server that is no Chroma server", async () => {
    for (const [status, body] of [
      [200, "hello"],
      [200, "{}"],
      [404, "no"],
      [500, "broken"],
    ] as const) {
      const other = createServer((_, response) => response.writeHead(status).end(body)).listen(0, "127.0.0.1");
      await once(other, "listening");
      const at = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      const error = await failure(newChromaStore(at).get(["a"], "k"));
      other.close();
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ where: at });
    }
  });

  it("refuses a URL that is none", () => {
    for (const wrong of ["localhost:8000", "nonsense", "ftp://host", "http://host:8000/chroma"])
      expect(() => new ChromaStore({ url: wrong, embeddings })).toThrow(UsageError);
  });

  it("finds values that JSON changes by what they are read back as", async () => {
    const store = newChromaStore(url);
    await store.put(["a"], "k", { when: new Date(0), score: Number.NaN });
    const { when, score } = (await store.get(["a"], "k"))!.value;
    expect([when, score]).toEqual(["1970-01-01T00:00:00.000Z", null]);
    for (const filter of [{ when }, { score }, { when, score }])
      expect(await store.search(["a"], { filter })).toHaveLength(1);
  });

  it("refuses a value that JSON cannot hold, and writes nothing of the batch", async () => {
    const store = newChromaStore(url);
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const error = await failure(
      store.batch([
        { namespace: ["a"], key: "good", value: { text: "x" } },
        { namespace: ["a"], key: "bad", value: cycle, index: false },
      ]),
    );
    expect(error).toBeInstanceOf(UsageError);
    expect(await store.search(["a"])).toEqual([]);
  });
});
