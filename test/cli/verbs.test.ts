import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { replayBanks } from "../../src/replay/replay.js";
import { readEpisodes } from "../../src/trace/read.js";
import { hasTinyModel, runCli } from "./run-cli.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "memory-r1-verbs-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const small = ["--dialogues", "1", "--turns", "5", "--questions", "1", "--max-new-tokens", "64"];

describe.skipIf(!hasTinyModel)("with the tiny model (skipped without its weights)", () => {
  it("record writes an episode that replays, and adds to it only when told to", async () => {
    const out = join(folder, "runs", "episodes.jsonl");
    const args = ["record", ...small, "--out", out, "--store-path", join(folder, "chroma")];
    const first = await runCli(...args);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/1 dialogues, 5 turns/) });
    const events = readEpisodes(out);
    expect(events.filter(({ type }) => type === "memory_step")).toHaveLength(5);
    expect((await runCli(...args)).code).toBe(2);
    expect(readEpisodes(out)).toEqual(events);
    expect((await runCli(...args, "--append")).code).toBe(0);
    const both = readEpisodes(out);
    expect(both.length).toBe(2 * events.length);
    let decisions = 0;
    for await (const _ of replayBanks(both)) decisions++;
    expect(decisions).toBeGreaterThanOrEqual(10);
  });

  it("record makes the same decisions from the same seed", async () => {
    const recorded = async (name: string) => {
      const out = join(folder, name);
      await runCli("record", ...small, "--temperature", "1", "--seed", "4", "--store", "memory", "--out", out);
      return readEpisodes(out).flatMap((event) => (event.type === "model_call" ? [event.responseIds] : []));
    };
    const first = await recorded("first.jsonl");
    expect(first.length).toBeGreaterThan(5);
    expect(await recorded("second.jsonl")).toEqual(first);
  });

  it("evaluate sets the base beside controls, and writes the scores", async () => {
    const json = join(folder, "scores", "scores.json");
    const { code, stdout } = await runCli("evaluate", ...small, "--rows", "base", "add-only", "noop", "--json", json);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nbase .*\nADD-only .*\nNOOP /);
    const scores = JSON.parse(await readFile(json, "utf8")) as { name: string; bank: { bankSize: number } }[];
    expect(scores.map(({ name }) => name)).toEqual(["base", "ADD-only", "NOOP"]);
    expect(scores[2]!.bank.bankSize).toBe(0);
  });

  it("chat remembers across sessions what it was told", async () => {
    const args = ["chat", "--store-path", join(folder, "chat"), "--user", "Maria"];
    const told = await runCli(...args, "--message", "I just moved to Oslo.");
    expect(told.code).toBe(0);
    const [, memory] = /\+ (.*)/.exec(told.stdout) ?? [];
    expect(memory).toBeDefined();
    const later = await runCli(...args, "--message", "/memories", "--message", "/ask Where does Maria live?");
    expect(later.stdout).toContain(memory);
    expect(later.stdout).toMatch(/\*\*Answer:\*\* \S/);
    const other = await runCli("chat", "--store-path", join(folder, "chat"), "--user", "Ben", "--message", "/memories");
    expect(other.stdout).toContain("(none)");
  });
});
