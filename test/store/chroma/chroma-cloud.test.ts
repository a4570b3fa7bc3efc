import { CloudClient } from "chromadb";
import { afterEach, describe, expect, it, vi } from "vitest";
import { StoreError } from "../../../src/errors.js";
import { cloudLimits } from "../../../src/store/chroma/chroma-limits.js";
import { ChromaStore } from "../../../src/store/chroma/chroma-store.js";
import { LexicalEmbeddings } from "../../../src/store/search/lexical-embeddings.js";
import { testServer } from "../servers.js";
import { type Answer, chromaProxy, type Passing } from "./chroma-proxy.js";

const TOKEN = "ck-test";
const embeddings = new LexicalEmbeddings({ dimensions: 32 });
const { url } = await testServer();

/** Refuses what Chroma Cloud would refuse. */
function quotas({ path, headers, body }: Passing): Answer | undefined {
  const quota = (message: string) => ({
    status: 422,
    body: { error: "ChromaError", message: `Quota exceeded: ${message}` },
  });
  if (headers["x-chroma-token"] !== TOKEN) return { status: 401, body: { error: "AuthError", message: "no" } };
  if (((body.ids as unknown[] | undefined)?.length ?? 0) > 300) return quota("records");
  if (Number(body.n_results ?? 0) > 300 || Number(body.limit ?? 0) > 300) return quota("results");
  if (((body.documents ?? []) as string[]).some((text) => Buffer.byteLength(text) > 16_384)) return quota("document");
  for (const metadata of (body.metadatas ?? []) as Record<string, unknown>[]) {
    const keys = Object.keys(metadata);
    if (keys.length > 32 || keys.some((key) => Buffer.byteLength(key) > 36)) return quota("metadata keys");
    if (keys.some((key) => Buffer.byteLength(String(metadata[key])) > 4096)) return quota("metadata value");
  }
  const { $and: conditions = [] } = (body.where ?? {}) as { $and?: unknown[] };
  if (conditions.length > 8) return quota("predicates");
  if (path.endsWith("/query") && body.where === undefined) return quota("nothing is asked without a namespace here");
  return undefined;
}

const cloud = await chromaProxy(url, quotas);
afterEach(() => vi.unstubAllGlobals());

/** A client for Chroma Cloud, whose host is the proxy. */
function cloudClient(apiKey = TOKEN): CloudClient {
  const original = globalThis.fetch;
  vi.stubGlobal("fetch", (input: Request | string | URL, init?: RequestInit) => {
    const at = typeof input === "string" || input instanceof URL ? String(input) : input.url;
    if (!at.startsWith("https://cloud.test")) return original(input, init);
    const to = at.replace(/^https:\/\/cloud\.test(:443)?/, cloud.url);
    return original(input instanceof Request ? new Request(to, input) : to, init);
  });
  return new CloudClient({ apiKey, host: "cloud.test", tenant: "default_tenant", database: "default_database" });
}

let collections = 0;
const newStore = (apiKey?: string) =>
  new ChromaStore({
    client: cloudClient(apiKey),
    collection: `cloud-${collections++}`,
    embeddings,
    index: { fields: ["text"] },
  });

describe("ChromaStore over a CloudClient", () => {
  it("writes, lists, searches and deletes more than one request may hold", async () => {
    const store = newStore();
    const count = 650;
    await store.batch(
      Array.from({ length: count }, (_, at) => ({
        namespace: ["big", `n${at % 2}`],
        key: `k${at}`,
        value: { text: `note ${at}`, even: at % 2 === 0 },
      })),
    );
    expect(await store.search(["big"], { limit: 1000 })).toHaveLength(count);
    const found = await store.search(["big"], { query: "note 77", limit: 500 });
    expect(found).toHaveLength(500);
    expect(found[0]!.key).toBe("k77");
    expect(new Set(found.map(({ key }) => key)).size).toBe(500);
    expect(await store.listNamespaces()).toEqual([
      ["big", "n0"],
      ["big", "n1"],
    ]);
    await store.batch(
      Array.from({ length: count }, (_, at) => ({ namespace: ["big", `n${at % 2}`], key: `k${at}`, value: null })),
    );
    expect(await store.search(["big"])).toEqual([]);
  });

  it("refuses a value that is larger than a document may be, and writes nothing of its batch", async () => {
    const store = newStore();
    const batch = store.batch([
      { namespace: ["a"], key: "small", value: { text: "x" } },
      { namespace: ["a"], key: "large", value: { text: "ü".repeat(9000) } },
    ]);
    const error = await batch.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      where: expect.stringContaining("large"),
      expected: `at most ${cloudLimits.documentBytes} bytes`,
    });
    expect(await store.search(["a"])).toEqual([]);
  });

  it("keeps fields of long names out of the metadata, and filters by them all the same", async () => {
    const store = newStore();
    const long = "a field whose name is longer than 36 bytes";
    await store.put(["a"], "one", { text: "x", [long]: 1 });
    await store.put(["a"], "two", { text: "y", [long]: 2 });
    const found = await store.search(["a"], { filter: { [long]: 2 }, query: "x" });
    expect(found.map(({ key }) => key)).toEqual(["two"]);
  });

  it("asks with no more conditions than the service takes, and compares the rest itself", async () => {
    const store = newStore();
    const value = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`f${at}`, at]));
    await store.put(["a"], "one", { ...value, text: "x" });
    await store.put(["a"], "two", { ...value, text: "x", f11: 0 });
    const found = await store.search(["a"], { filter: value });
    expect(found.map(({ key }) => key)).toEqual(["one"]);
  });

  it("refuses a value of more fields than a record may have", async () => {
    const value = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`f${at}`, at]));
    const error = await newStore()
      .put(["a"], "k", value)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ what: expect.stringContaining("too many fields") });
  });

  it("reports a wrong token as refused access, and writes nothing", async () => {
    const error = await newStore("ck-wrong")
      .put(["a"], "k", { text: "x" })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ what: expect.stringContaining("refuses access"), cause: expect.any(Error) });
  });
});
