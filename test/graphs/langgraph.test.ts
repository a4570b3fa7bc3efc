import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test, vi } from "vitest";
import { backbone } from "../../graphs/backbone.js";

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
  vi.stubEnv("MEMORY_R1_PROMPTS", "loud");
  await expect(backbone()).rejects.toThrow(/MEMORY_R1_PROMPTS.*compact or instructed.*loud/);
  vi.unstubAllEnvs();
});
