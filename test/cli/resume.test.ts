import { appendFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasTinyModel, runCli } from "./run-cli.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "memory-r1-resume-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!hasTinyModel)("train, with the tiny model (skipped without its weights)", () => {
  let episodes: string;
  let whole: string;
  const small = ["--agent", "answerer", "--batch", "2", "--group", "2", "--max-new-tokens", "8"];
  const train = (out: string, steps: number, ...more: readonly string[]) =>
    runCli("train", "--episodes", episodes, ...small, "--out", out, "--steps", String(steps), ...more);
  const eventFiles = async (out: string) => (await readdir(out)).filter((name) => name.includes("tfevents"));
  const left = (out: string) =>
    Promise.all(["metrics.jsonl", "adapter/adapter_model.safetensors"].map((name) => readFile(join(out, name))));

  beforeAll(async () => {
    episodes = join(folder, "episodes.jsonl");
    whole = join(folder, "whole");
    const world = ["--dialogues", "2", "--turns", "6", "--store", "memory", "--max-new-tokens", "64"];
    expect((await runCli("record", ...world, "--out", episodes)).code).toBe(0);
    expect((await train(whole, 4)).code).toBe(0);
  });

  it("--resume goes on to what an uninterrupted run leaves, byte for byte", async () => {
    const out = join(folder, "parts");
    expect((await train(out, 2)).code).toBe(0);
    const { code, stdout } = await train(out, 4, "--resume");
    expect(code).toBe(0);
    expect(stdout).toContain(`going on from ${join(out, "checkpoint-2")} after 2 steps\n`);
    expect(await left(out)).toEqual(await left(whole));
  });

  it("--resume refuses other settings, data, and fewer steps, with code 2 and both values", async () => {
    for (const [args, says] of [
      [["--reward", "f1"], /expected task\.reward "exact-match"; found task\.reward "f1"; .*--fork/],
      [["--seed", "5", "--clip-low", "0.1"], /expected algorithm\.clipLow 0\.2, .*seed 0; found .*seed 5/],
    ] as const) {
      const { code, stdout, stderr } = await train(whole, 6, "--resume", ...args);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(says);
    }
    const fewer = await train(whole, 3, "--resume");
    expect([fewer.code, fewer.stderr]).toEqual([2, expect.stringMatching(/--steps of 4 or more; found 3/)]);
    const none = await train(join(folder, "none"), 3, "--resume");
    expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/no checkpoint to go on from/)]);
  });

  it("--resume refuses a damaged checkpoint by its file and both hashes, with code 2", async () => {
    const out = join(folder, "damaged");
    expect((await train(out, 2, "--checkpoint-every", "1")).code).toBe(0);
    await appendFile(join(out, "checkpoint-2", "training.safetensors"), " ");
    const { code, stderr } = await train(out, 4, "--resume");
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /FileError: .*training\.safetensors: .*damaged; expected SHA-256 \w{64}; found SHA-256 \w{64}; delete .*checkpoint-1/,
    );
    await rm(join(out, "checkpoint-2"), { recursive: true });
    expect((await train(out, 4, "--resume")).code).toBe(0);
    expect(await left(out)).toEqual(await left(whole));
  });

  it("--fork starts another run from a checkpoint, and tells what it changed", async () => {
    const out = join(folder, "fork");
    const { code, stdout } = await train(out, 5, "--fork", whole, "--learning-rate", "1e-3", "--no-tensorboard");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /forked from .*checkpoint-4 after 4 steps; changed: algorithm\.optimizer\.learningRate .* → 0\.001\n/,
    );
    expect((await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n")).toHaveLength(5);
    expect([await eventFiles(out), (await eventFiles(whole)).length]).toEqual([[], 1]);
  });

  it("--fork must name a checkpoint, alone and into another folder", async () => {
    for (const [args, says] of [
      [["--fork", join(folder, "nowhere")], /nowhere: there is no checkpoint; expected a run's folder/],
      [["--fork", folder], /there is no checkpoint.*found a folder without/],
      [["--fork", whole, "--resume"], /--fork: .*found --resume too/],
    ] as const) {
      const { code, stdout, stderr } = await train(join(folder, "never"), 6, ...args);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(says);
    }
    expect((await train(whole, 6, "--fork", whole)).stderr).toMatch(/a fork needs a folder of its own/);
  });
});
