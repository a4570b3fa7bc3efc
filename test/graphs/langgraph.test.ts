import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { InMemoryStore, MemorySaver } from "@langchain/langgraph";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { graph as answerAgent } from "../../graphs/answer-agent.js";
import { backbone } from "../../graphs/backbone.js";
import { graph as memoryAgent } from "../../graphs/memory-agent.js";
import { graph as memoryManager } from "../../graphs/memory-manager.js";
import { compactPrompts, createMemoryGraph } from "../../src/index.js";
import { tinyModel } from "../../src/model/checkpoint/tiny-model.js";
import { testServer } from "../store/servers.js";

afterEach(() => vi.unstubAllEnvs());

const root = fileURLToPath(new URL("../..", import.meta.url));

test("every graph that langgraph.json names is a factory in its file, and importing it opens no model and no store", async () => {
  const { graphs } = JSON.parse(readFileSync(`${root}/langgraph.json`, "utf8")) as { graphs: Record<string, string> };
  expect(Object.keys(graphs)).toEqual(["memory_manager", "answer_agent", "memory_agent"]);
  for (const spec of Object.values(graphs)) {
    const [file, symbol] = spec.split(":");
    const module = await import(pathToFileURL(`${root}/${file}`).href);
    expect(module[symbol!]).toBeTypeOf("function");
  }
});

test("prompts of an unknown style are refused before a model is opened", async () => {
  for (const style of ["loud", "constructor"]) {
    vi.stubEnv("MEMORY_R1_PROMPTS", style);
    await expect(backbone()).rejects.toThrow(`compact or instructed; found ${style}`);
  }
});

const moved = { id: "1", speaker: "Ana", text: "I moved to Oslo.", time: "7 May 2023", facts: ["Ana lives in Oslo"] };
const question = { id: "q1", text: "Where does Ana live?" };

describe.skipIf(!existsSync(`${tinyModel}/model.safetensors`))(
  "with the tiny model (skipped without its weights)",
  () => {
    let url: string;
    beforeAll(async () => {
      url = (await testServer()).url;
    });
    beforeEach(() => void vi.stubEnv("CHROMA_URL", url));

    test("variables that are empty, as in a template of .env, are as good as none", async () => {
      for (const name of ["MODEL", "PROMPTS", "MANAGER", "ANSWERER"]) vi.stubEnv(`MEMORY_R1_${name}`, "");
      const { model, manager, prompts } = await backbone();
      expect(manager).toBe(model);
      expect(prompts).toBe(compactPrompts);
    });

    test("the graphs share the store of their process, whatever store and checkpointer a server puts in", async () => {
      const served = { store: new InMemoryStore(), checkpointer: new MemorySaver() };
      const config = { configurable: { thread_id: "t1", user_id: "ana" } };
      const { step } = await (await memoryManager()).compile(served).invoke({ turn: moved }, config);
      expect(step!.changes).toHaveLength(1);
      const { answer } = await (await answerAgent()).compile(served).invoke({ question }, config);
      expect(answer!.retrieved.map(({ text }) => text)).toEqual(["Ana lives in Oslo"]);
      const whole = await (await memoryAgent())
        .compile(served)
        .invoke({ turns: [{ ...moved, id: "2" }], question }, config);
      expect(whole.steps).toHaveLength(1);
      expect(whole.answer!.question).toEqual(question);
      expect(await served.store.search([])).toEqual([]);
    });

    test("a graph that is given no store keeps its memories in the server's", async () => {
      const { store: _, ...rest } = await backbone();
      const store = new InMemoryStore();
      const graph = createMemoryGraph(rest).compile({ store, checkpointer: new MemorySaver() });
      await graph.invoke({ turns: [moved], question }, { configurable: { thread_id: "t2", user_id: "ana" } });
      expect((await store.search(["memories", "user", "ana"])).map(({ value }) => value.text)).toEqual([
        "Ana lives in Oslo",
      ]);
    });
  },
);
