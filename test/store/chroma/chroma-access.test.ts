import { AdminClient, ChromaClient } from "chromadb";
import { describe, expect, it } from "vitest";
import { StoreError, UsageError } from "../../../src/errors.js";
import { conformanceIndex } from "../../../src/testing/index.js";
import { newChromaStore, testServer } from "../servers.js";
import { chromaProxy } from "./chroma-proxy.js";

const { url } = await testServer();
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => undefined).catch((error: unknown) => error);

describe("ChromaStore at a server that wants to know who asks", () => {
  it("sends its headers with every request", async () => {
    const proxy = await chromaProxy(url, ({ headers }) =>
      headers.authorization === "Bearer secret" ? undefined : { status: 403, body: { message: "forbidden" } },
    );
    const store = newChromaStore(proxy.url, { headers: { authorization: "Bearer secret" } });
    await store.put(["a"], "k", { text: "x" });
    expect((await store.search(["a"], { query: "x" }))[0]!.key).toBe("k");
    const calls = proxy.passed.length;
    for (const headers of [{}, { authorization: "Bearer wrong" }]) {
      const error = await failure(newChromaStore(proxy.url, { headers }).put(["a"], "k", { text: "y" }));
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({
        what: expect.stringContaining("refuses access"),
        remedy: expect.stringContaining("headers"),
      });
    }
    expect(proxy.passed.slice(calls).every(({ path }) => path.endsWith("/heartbeat"))).toBe(true);
    expect((await store.get(["a"], "k"))!.value).toEqual({ text: "x" });
  });

  it("keeps tenants and databases apart", async () => {
    const admin = new AdminClient({ host: "127.0.0.1", port: Number(new URL(url).port), ssl: false });
    await admin.createTenant({ name: "acme" });
    await admin.createDatabase({ name: "support", tenant: "acme" });
    const options = { collection: "same-name", tenant: "acme", database: "support" };
    await newChromaStore(url, options).put(["a"], "k", { text: "acme" });
    const elsewhere = newChromaStore(url, { collection: "same-name" });
    expect(await elsewhere.get(["a"], "k")).toBeNull();
    await elsewhere.put(["a"], "k", { text: "default" });
    expect((await newChromaStore(url, options).get(["a"], "k"))!.value).toEqual({ text: "acme" });
  });

  it("says so where tenant or database are not there", async () => {
    const error = await failure(newChromaStore(url, { tenant: "nobody", database: "nothing" }).get(["a"], "k"));
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ message: expect.stringMatching(/database|tenant/i) });
  });

  it("refuses a server of a version that it does not know, before it touches a collection", async () => {
    for (const version of ["0.4.24", "2.0.0", "nonsense"]) {
      const proxy = await chromaProxy(url, ({ path }) =>
        path.endsWith("/version") ? { status: 200, body: version } : undefined,
      );
      const error = await failure(newChromaStore(proxy.url).put(["a"], "k", { text: "x" }));
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ what: expect.stringContaining("version"), expected: "1.x", found: version });
      expect(proxy.passed.filter(({ path }) => path.includes("collections"))).toEqual([]);
    }
  });

  it("makes its collection anew after someone deleted it, and says that it was gone", async () => {
    const store = newChromaStore(url, { collection: "deleted" });
    await store.put(["a"], "k", { text: "x" });
    const client = new ChromaClient({ host: "127.0.0.1", port: Number(new URL(url).port) });
    await client.deleteCollection({ name: "deleted" });
    expect(await failure(store.get(["a"], "k"))).toBeInstanceOf(StoreError);
    await store.put(["a"], "other", { text: "y" });
    expect((await store.search(["a"])).map(({ key }) => key)).toEqual(["other"]);
  });

  it("passes on that the service has no room or time left", async () => {
    for (const status of [422, 429]) {
      const proxy = await chromaProxy(url, ({ path }) =>
        path.endsWith("/add") || path.endsWith("/upsert")
          ? { status, body: { message: "Quota exceeded: too much" } }
          : undefined,
      );
      const error = await failure(newChromaStore(proxy.url).put(["a"], "k", { text: "x" }));
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ remedy: expect.stringContaining("quotas") });
    }
  });
});

describe("ChromaStore given what it cannot store", () => {
  it("refuses a value of 10 MB, and writes nothing of its batch", async () => {
    const store = newChromaStore(url);
    await store.put(["a"], "k", { text: "before" });
    const error = await failure(
      store.batch([
        { namespace: ["a"], key: "new", value: { text: "x" } },
        { namespace: ["a"], key: "k", value: { other: "x".repeat(10e6) } },
      ]),
    );
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      what: expect.stringContaining("too large"),
      found: expect.stringMatching(/^100000\d\d bytes$/),
    });
    expect((await store.search(["a"])).map(({ value }) => value)).toEqual([{ text: "before" }]);
  });

  it("refuses an unknown operator and a namespace of separators or __proto__ before it connects", async () => {
    const { embeddings } = conformanceIndex;
    const store = newChromaStore("http://127.0.0.1:9", { embeddings });
    for (const namespace of [["a:b"], ["a.b"], ["a\0b"], ["__proto__"], ["a", "__proto__", "b"]]) {
      expect(await failure(store.batch([{ namespace, key: "k", value: { n: 1 } }]))).toBeInstanceOf(UsageError);
      expect(await failure(store.search(namespace))).toBeInstanceOf(UsageError);
      expect(await failure(store.get(namespace, "k"))).toBeInstanceOf(UsageError);
    }
    for (const n of [{ $near: 1 }, [{ $near: 1 }], [[{ $eq: 1, x: 2 }]]])
      expect(await failure(store.search(["a"], { filter: { n } }))).toBeInstanceOf(UsageError);
  });
});
