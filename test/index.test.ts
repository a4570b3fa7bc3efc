import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** CommonJS modules and shared libraries that a process has loaded after importing a module. */
function loadedBy(specifier: string): string[] {
  const script = `
    await import(${JSON.stringify(specifier)});
    const { createRequire } = await import("node:module");
    const modules = Object.keys(createRequire(import.meta.url).cache);
    console.log(JSON.stringify([...modules, ...process.report.getReport().sharedObjects]));
  `;
  const args = ["--import", "tsx", "--input-type=module", "--eval", script];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" }));
}

test("the plugin's face loads no onnxruntime", () => {
  const isRuntime = (path: string) => /onnxruntime/.test(path);
  expect(loadedBy("onnxruntime-node").some(isRuntime)).toBe(true);
  expect(loadedBy("./src/index.ts").filter(isRuntime)).toEqual([]);
});

/** Files of a room whose imports match. */
function importing(room: string, pattern: RegExp): string[] {
  const entries = readdirSync(`${root}/src/${room}`, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => `${parentPath}/${name}`);
  return files.filter((file) => pattern.test(readFileSync(file, "utf8")));
}

test("the rooms behind the plugin's face never import engine, models or training", () => {
  for (const room of ["memory", "store", "trace", "replay", "langchain"]) {
    expect(importing(room, /from "((\.\.\/)+(onnx|model|train)\/|onnxruntime)/)).toEqual([]);
  }
});

test("traces know nothing of banks, which rest on them", () => {
  expect(importing("memory", /from "(\.\.\/)+trace\//)).not.toEqual([]);
  expect(importing("trace", /from "(\.\.\/)+(memory|replay)\//)).toEqual([]);
});
