import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { hasTinyModel, runCli } from "./run-cli.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "memory-r1-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

describe("a command line that cannot be used ends with code 2 and one line that says what to do", () => {
  it.each([
    { name: "an unknown verb", args: ["recrod"], says: [/unknown command 'recrod'/, /expected .*record/, /--help/] },
    {
      name: "an unknown flag",
      args: ["record", "--trns", "3"],
      says: [/unknown option '--trns'/, /--turns/, /--help/],
    },
    { name: "a flag without its value", args: ["record", "--turns"], says: [/--turns/, /argument missing/, /--help/] },
    { name: "a number that is none", args: ["record", "--turns", "x"], says: [/--turns/, /whole number/, /found .*x/] },
    { name: "a choice that is none", args: ["record", "--store", "sql"], says: [/--store/, /chroma, memory/, /sql/] },
    { name: "an argument too many", args: ["evaluate", "more"], says: [/too many arguments/, /evaluate --help/] },
    { name: "data and a world at once", args: ["record", "--data", "a", "--world", "synthetic"], says: [/--data/] },
    { name: "a split of no world", args: ["evaluate", "--split", "dev"], says: [/--split/, /train, test/, /dev/] },
    { name: "a missing data file", args: ["record", "--data", "none.json"], says: [/none\.json/, /file is missing/] },
    { name: "a missing model folder", args: ["evaluate", "--model", "none"], says: [/none/, /a folder/, /--model/] },
    {
      name: "a missing adapter folder",
      args: ["evaluate", "--adapter-manager", "none"],
      says: [/none/, /adapter/, /train/],
    },
  ])("$name", async ({ args, says }) => {
    const { code, stdout, stderr } = await runCli(...args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    for (const part of says) expect(stderr).toMatch(part);
  });

  it("no verb at all, with the help", async () => {
    const { code, stderr } = await runCli();
    expect(code).toBe(2);
    expect(stderr).toContain("record");
  });

  it("a data file that is cut in the middle", async () => {
    const cut = await file("cut.json", '[{"id": "d1", "speakers": ["Ana", "Ben"], "tur');
    const { code, stderr } = await runCli("record", "--data", cut);
    expect(code).toBe(2);
    expect(stderr).toMatch(/cut\.json: file is not JSON; expected one JSON document; found .*; .*cut off/);
  });

  it("a data file of another form", async () => {
    const other = await file("other.json", '[{"id": "d1"}]');
    const { code, stderr } = await runCli("evaluate", "--data", other);
    expect(code).toBe(2);
    expect(stderr).toMatch(/other\.json: file does not hold dialogues; expected .*; found at "0\.speakers"/);
  });

  it("a conversation that the file does not have", async () => {
    const dialogues = [{ id: "d1", speakers: ["Ana", "Ben"], turns: [], questions: [] }];
    const data = await file("one.json", JSON.stringify(dialogues));
    const { code, stderr } = await runCli("record", "--data", data, "--conversation", "d2");
    expect(code).toBe(2);
    expect(stderr).toMatch(/--conversation: .*expected d1; found d2/);
  });

  it("an episode file that is there already, which stays as it was", async () => {
    const out = await file("episodes.jsonl", "something\n");
    const { code, stderr } = await runCli("record", "--out", out);
    expect(code).toBe(2);
    expect(stderr).toMatch(/episodes\.jsonl: .*there already.*--append/);
  });

  it.skipIf(!hasTinyModel)("an unreachable CHROMA_URL, with no episode file left behind", async () => {
    vi.stubEnv("CHROMA_URL", "http://127.0.0.1:9");
    const out = join(folder, "unreachable.jsonl");
    const { code, stderr } = await runCli("record", "--dialogues", "1", "--out", out);
    expect(code).toBe(2);
    expect(stderr).toMatch(/StoreError: http:\/\/127\.0\.0\.1:9: .*cannot be reached; expected .*CHROMA_URL/);
    expect(existsSync(out)).toBe(false);
  });

  it("prints the stack only when asked", async () => {
    const args = ["record", "--data", "none.json"];
    expect((await runCli(...args)).stderr).not.toContain("    at ");
    expect((await runCli(...args, "--verbose")).stderr).toContain("    at ");
  });
});

it("gives a shell the exit code", async () => {
  const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const run = (...args: string[]): Promise<unknown> =>
    new Promise((resolve) => {
      const child = execFile(process.execPath, ["--import", "tsx", main, ...args], () => resolve(child.exitCode));
    });
  expect(await Promise.all([run("recrod"), run("--version")])).toEqual([2, 0]);
});

it.each(["record", "train", "evaluate", "credit", "report", "chat", "audit", "import", "verify", "doctor"])(
  "%s --help shows an example",
  async (verb) => {
    const { code, stdout } = await runCli(verb, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Example:\\n {2}memory-r1 ${verb}`));
  },
);
