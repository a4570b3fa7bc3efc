import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { BaseMessage } from "@langchain/core/messages";
import { ChromaClient } from "chromadb";
import { MemoryBank } from "../src/memory/bank/bank.js";
import { createMemoryManager } from "../src/memory/manager.js";
import { startChromaServer } from "../src/store/chroma/chroma-server.js";
import { ChromaStore } from "../src/store/chroma/chroma-store.js";
import { LexicalEmbeddings } from "../src/store/search/lexical-embeddings.js";
import { ScriptedModel } from "../test/memory/scripted-model.js";
import { median, memoryText, round } from "./store-world.js";

/**
 * Adding a message and searching, beside mem0ai: the same fake model (which answers at once), embeddings and Chroma server.
 * mem0ai is no dependency of this package: `npm install mem0ai` in a folder elsewhere, and pass that folder.
 */
const { values } = parseArgs({
  options: {
    mem0: { type: "string" },
    messages: { type: "string", default: "200" },
    dimensions: { type: "string", default: "384" },
  },
});
if (values.mem0 === undefined) throw new Error("pass --mem0 with a folder in which mem0ai is installed");

interface Mem0 {
  add(messages: string, options: { userId: string }): Promise<unknown>;
  search(query: string, options: { filters: { user_id: string }; topK: number }): Promise<unknown>;
}

process.env.MEM0_TELEMETRY = "false";
const entry = pathToFileURL(resolve(values.mem0, "node_modules/mem0ai/dist/oss/index.mjs")).href;
const { Memory } = (await import(entry)) as { Memory: new (config: object) => Mem0 };

const count = Number(values.messages);
const embeddings = new LexicalEmbeddings({ dimensions: Number(values.dimensions) });
const path = await mkdtemp(join(tmpdir(), "memory-r1-bench-"));
const server = await startChromaServer({ path });
const client = new ChromaClient({ host: "127.0.0.1", port: Number(new URL(server.url).port) });

/** The fact of the message: each side's prompt holds the message, and each side's form of answer is given. */
const factOf = (text: string) => /note (\d+)(?!.*note \d)/s.exec(text)?.[1] ?? "0";
const mem0 = new Memory({
  llm: {
    provider: "langchain",
    config: {
      // Its LangChain form can't read the messages of LangChain 1, which always have a list of tool calls.
      model: {
        invoke: async (messages: readonly BaseMessage[]) => {
          const text = memoryText(Number(factOf(messages.map((message) => message.text).join("\n"))));
          return { content: JSON.stringify({ memory: [{ id: "0", text }] }) };
        },
      },
    },
  },
  embedder: { provider: "langchain", config: { model: embeddings } },
  vectorStore: { provider: "chroma", config: { collectionName: "mem0", client, dimension: embeddings.dimensions } },
  disableHistory: true,
});

const store = new ChromaStore({ url: server.url, embeddings, index: { fields: ["text"] }, collection: "ours" });
const namespace = ["memories", "user", "ana"];
const manager = createMemoryManager({
  store,
  namespace,
  extractor: new ScriptedModel((messages) => {
    const text = memoryText(Number(factOf(messages.at(-1)!.text)));
    return JSON.stringify({ facts: [text] });
  }),
  manager: new ScriptedModel(() => JSON.stringify({ operations: [{ event: "ADD", fact: "f1" }] })),
}).compile();
const bank = new MemoryBank({ store, namespace });

const sides = {
  mem0: {
    add: (at: number) => mem0.add(memoryText(at), { userId: "ana" }),
    search: (at: number) => mem0.search(memoryText(at), { filters: { user_id: "ana" }, topK: 10 }),
  },
  ours: {
    add: (at: number) =>
      manager.invoke({ turn: { id: `D1:${at}`, speaker: "Ana", text: memoryText(at), time: "7 May 2023" } }),
    search: (at: number) => bank.retrieve(memoryText(at), { limit: 10 }),
  },
};

try {
  const times = { mem0: { add: [], search: [] }, ours: { add: [], search: [] } } as Record<
    "mem0" | "ours",
    Record<"add" | "search", number[]>
  >;
  for (let at = 0; at < count; at += 1)
    for (const what of ["add", "search"] as const)
      for (const who of at % 2 === 0 ? (["mem0", "ours"] as const) : (["ours", "mem0"] as const)) {
        const start = performance.now();
        await sides[who][what](at);
        times[who][what].push(performance.now() - start);
      }
  const held = { mem0: await (await client.getCollection({ name: "mem0" })).count(), ours: (await bank.list()).length };
  console.log(JSON.stringify({ messages: count, memories: held }));
  if (held.mem0 !== count || held.ours !== count) throw new Error("a side did not keep each message: no comparison");
  for (const name of ["add", "search"] as const) {
    const medianMs = { mem0: round(median(times.mem0[name])), ours: round(median(times.ours[name])) };
    console.log(JSON.stringify({ name, medianMs, ratio: round(medianMs.ours / medianMs.mem0) }));
  }
} finally {
  await server.stop();
  await rm(path, { recursive: true, force: true });
}
