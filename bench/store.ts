import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ChromaClient } from "chromadb";
import { mean } from "../src/mean.js";
import { startChromaServer } from "../src/store/chroma/chroma-server.js";
import { ChromaStore } from "../src/store/chroma/chroma-store.js";
import { LexicalEmbeddings } from "../src/store/search/lexical-embeddings.js";
import { median, memoryText, memoryValue, namespaceOf, round } from "./store-world.js";

/**
 * Latency of put, get and search of ChromaStore, beside the same work done with Chroma's client by hand: one server, the
 * same memories in two collections, the calls taken in turn, so that what else the machine does meets both. A mean holds
 * the writes that wait for the index to be saved, which no median shows: the collection by hand saves at 1000 of them.
 */
const { values } = parseArgs({
  options: {
    memories: { type: "string", default: "100000" },
    namespaces: { type: "string", default: "1000" },
    dimensions: { type: "string", default: "384" },
    operations: { type: "string", default: "300" },
  },
});
const memories = Number(values.memories);
const namespaces = Math.min(Number(values.namespaces), Math.ceil(memories / 10));
const operations = Number(values.operations);
const LOAD = 500;

const embeddings = new LexicalEmbeddings({ dimensions: Number(values.dimensions) });
const path = await mkdtemp(join(tmpdir(), "memory-r1-bench-"));
const server = await startChromaServer({ path });
const client = new ChromaClient({ host: "127.0.0.1", port: Number(new URL(server.url).port) });
const store = new ChromaStore({ url: server.url, embeddings, index: { fields: ["text"] }, collection: "ours" });
const raw = await client.createCollection({
  name: "by-hand",
  embeddingFunction: null,
  // The index that the store makes, but saved only as often as Chroma does by itself: at 1000 writes, not at 250.
  configuration: { hnsw: { space: "cosine", ef_construction: 200, ef_search: 200, max_neighbors: 32 } },
});

/** What one would write by hand: the text as the document, all else that a memory has as metadata. */
function recordOf(at: number) {
  const { text, ...rest } = memoryValue(at);
  const now = Date.now();
  const metadata = { namespace: namespaceOf(at, namespaces).join("/"), key: `k${at}`, ...rest };
  return { id: `id-${at}`, document: text, metadata: { ...metadata, createdAt: now, updatedAt: now } };
}

async function putByHand(ats: readonly number[]): Promise<void> {
  const records = ats.map(recordOf);
  await raw.upsert({
    ids: records.map(({ id }) => id),
    embeddings: await embeddings.embedDocuments(records.map(({ document }) => document)),
    documents: records.map(({ document }) => document),
    metadatas: records.map(({ metadata }) => metadata),
  });
}

/** The pair of calls that are compared, each with the number of the memory that it is about. */
const pairs = {
  put: {
    raw: (at: number) => putByHand([memories + at]),
    ours: (at: number) => store.put(namespaceOf(at, namespaces), `k${memories + at}`, memoryValue(memories + at)),
  },
  overwrite: {
    raw: (at: number) => putByHand([at]),
    ours: (at: number) => store.put(namespaceOf(at, namespaces), `k${at}`, memoryValue(at)),
  },
  get: {
    raw: (at: number) => raw.get({ ids: [`id-${at}`], include: ["documents", "metadatas"] }),
    ours: (at: number) => store.get(namespaceOf(at, namespaces), `k${at}`),
  },
  search: {
    raw: async (at: number) =>
      raw.query({
        queryEmbeddings: [await embeddings.embedQuery(memoryText(at))],
        nResults: 10,
        where: { namespace: namespaceOf(at, namespaces).join("/") },
        include: ["documents", "metadatas", "distances"],
      }),
    ours: (at: number) => store.search(namespaceOf(at, namespaces), { query: memoryText(at), limit: 10 }),
  },
} satisfies Record<string, Record<"raw" | "ours", (at: number) => Promise<unknown>>>;

async function load(): Promise<Record<"raw" | "ours", number>> {
  const seconds = { raw: 0, ours: 0 };
  for (let from = 0; from < memories; from += LOAD) {
    const ats = Array.from({ length: Math.min(LOAD, memories - from) }, (_, index) => from + index);
    const start = performance.now();
    await putByHand(ats);
    const between = performance.now();
    await store.batch(
      ats.map((at) => ({ namespace: namespaceOf(at, namespaces), key: `k${at}`, value: memoryValue(at) })),
    );
    seconds.raw += (between - start) / 1000;
    seconds.ours += (performance.now() - between) / 1000;
    if (from % 20_000 === 0) process.stderr.write(`${from + ats.length} of ${memories} memories\n`);
  }
  return seconds;
}

try {
  const seconds = await load();
  console.log(
    JSON.stringify({ memories, namespaces, loadSeconds: { raw: round(seconds.raw), ours: round(seconds.ours) } }),
  );
  for (const [name, { raw, ours }] of Object.entries(pairs)) {
    const times: Record<"raw" | "ours", number[]> = { raw: [], ours: [] };
    for (let turn = 0; turn < operations; turn += 1) {
      // Spread over the memories; who is first changes with each turn.
      const at = (turn * 7919) % memories;
      for (const who of turn % 2 === 0 ? (["raw", "ours"] as const) : (["ours", "raw"] as const)) {
        const start = performance.now();
        await (who === "raw" ? raw : ours)(at);
        times[who].push(performance.now() - start);
      }
    }
    const medianMs = { raw: round(median(times.raw)), ours: round(median(times.ours)) };
    const meanMs = { raw: round(mean(times.raw)), ours: round(mean(times.ours)) };
    console.log(JSON.stringify({ name, medianMs, ratio: round(median(times.ours) / median(times.raw)), meanMs }));
  }
} finally {
  await server.stop();
  await rm(path, { recursive: true, force: true });
}
