import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runCli } from "../cli/run-cli.js";
import { program, root, Workshop } from "./notebook.js";

const readme = readFileSync(join(root, "README.md"), "utf8");

const workshop = new Workshop();
const folder = mkdtempSync(join(root, "runs", "readme-"));
afterAll(() => {
  workshop.remove();
  rmSync(folder, { recursive: true, force: true });
});

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, text]) => text!);
}

test("README's TypeScript fits the package's types and runs as it stands, block after block", () => {
  const [graph, ...rest] = blocks("ts");
  // Later blocks go on with the first one's graph, whose store is closed by its last line.
  const cells = [{ id: "graph", source: graph!.replace("await close();\n", "") }];
  cells.push(...rest.map((source, index) => ({ id: `block-${index}`, source })));
  cells.push({ id: "close", source: "await close();" });
  const results = {
    graph: "[answer?.namespace, typeof answer?.answer]",
    "block-0": "(await store.search(['memories', 'user', 'ben'])).length > 0",
    "block-1": "readEpisodes('runs/mine.jsonl').some(({ type }) => type === 'memory_step')",
  };
  const file = workshop.write("readme.ts", program(cells, results));
  expect(workshop.typeErrors()).toBe("");
  symlinkSync(join(root, "models"), join(folder, "models"), "junction");
  expect(workshop.run(file, relative(root, folder))).toEqual({
    graph: [["memories", "user", "ana"], "string"],
    "block-0": true,
    "block-1": true,
  });
});

test("README's commands name verbs and options that there are", async () => {
  const commands = blocks("sh").flatMap((block) => block.match(/^npx memory-r1 .*/gm) ?? []);
  expect(commands.length).toBeGreaterThan(3);
  for (const command of commands) {
    const [, , verb, ...words] = command.split(/\s+/);
    const { code, stdout } = await runCli(verb!, "--help");
    expect(code, command).toBe(0);
    for (const word of words) {
      if (word.startsWith("--")) expect(stdout, command).toMatch(new RegExp(`^ +${word}\\b`, "m"));
    }
  }
});

test("README's folders are there", () => {
  const rows = readme.slice(readme.search(/^\| folder +\| what +\|$/m)).match(/^\|.*\|$/gm) ?? [];
  const named = rows.flatMap((row) => row.split("|")[1]!.match(/(?<=`)[^`]+(?=`)/g) ?? []);
  const folders = named.filter((name) => /^[\w/]+$/.test(name));
  expect(folders.length).toBeGreaterThan(10);
  for (const name of folders) expect(existsSync(join(root, name)), name).toBe(true);
});
