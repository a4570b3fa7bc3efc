import { appendFile, cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyBert } from "../embed/tiny-bert.js";
import { hasTinyModel, runCli } from "./run-cli.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "memory-r1-resume-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!hasTinyModel)("train, with the tiny model (skipped without its weights)", () => {
  let episodes: string;
  let whole: string;
  const tiny = ["--agent", "answerer", "--batch", "2", "--group", "2", "--max-new-tokens", "8"];
  // A critic learns also where all responses are cut off, and are punished for it.
  const small = [...tiny, "--algorithm", "ppo", "--overlong", "punish", "--temperature", "2"];
  const train = (out: string, steps: number, ...more: readonly string[]) =>
    runCli("train", "--episodes", episodes, ...small, "--out", out, "--steps", String(steps), ...more);
  const eventFiles = async (out: string) => (await readdir(out)).filter((name) => name.includes("tfevents"));
  const left = (out: string) =>
    Promise.all(["metrics.jsonl", "adapter/adapter_model.safetensors"].map((name) => readFile(join(out, name))));

  beforeAll(async () => {
    episodes = join(folder, "episodes.jsonl");
    whole = join(folder, "whole");
    const world = ["--dialogues", "1", "--turns", "6", "--store", "memory", "--max-new-tokens", "64"];
    expect((await runCli("record", ...world, "--out", episodes)).code).toBe(0);
    expect((await train(whole, 2, "--checkpoint-every", "1")).code).toBe(0);
    const [log] = await left(whole);
    expect(String(log)).toMatch(/"step":2,.*"gradientNorm":[\d.e-]*[1-9]/);
  });

  it("--resume refuses a damaged checkpoint, and goes on from the one before it to the same bytes", async () => {
    const out = join(folder, "damaged");
    await cp(whole, out, { recursive: true });
    await appendFile(join(out, "checkpoint-2", "training.safetensors"), " ");
    const { code, stderr } = await train(out, 2, "--resume");
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /FileError: .*training\.safetensors: .*damaged; expected SHA-256 \w{64}; found SHA-256 \w{64}; delete .*checkpoint-1/,
    );
    await rm(join(out, "checkpoint-2"), { recursive: true });
    await rm(join(out, "adapter"), { recursive: true });
    const resumed = await train(out, 2, "--resume");
    expect([resumed.code, resumed.stdout]).toEqual([
      0,
      expect.stringContaining(`${join(out, "checkpoint-1")} after step 1\n`),
    ]);
    expect(await left(out)).toEqual(await left(whole));
  });

  it("--resume refuses other settings with code 2 and both values", async () => {
    const { code, stdout, stderr } = await train(whole, 6, "--resume", "--reward", "f1", "--seed", "5");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      /expected .*seed 0, task\.reward "exact-match"; found .*seed 5, task\.reward "f1"; .*--fork/,
    );
  });

  it("--resume refuses another sentence encoder for a manager, whose banks it ranks", async () => {
    const encoder = join(folder, "encoder");
    await writeTinyBert(encoder);
    const manager = ["--agent", "manager", "--algorithm", "grpo"];
    expect((await train(join(folder, "manager"), 1, ...manager)).code).toBe(0);
    const { code, stderr } = await train(join(folder, "manager"), 2, ...manager, "--resume", "--embeddings", encoder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/expected task\.encoder absent; found task\.encoder "[0-9a-f]{64}"/);
  });

  it("--fork starts another run from a checkpoint, and tells what it changed", async () => {
    const out = join(folder, "fork");
    const { code, stdout } = await train(out, 3, "--fork", whole, "--learning-rate", "1e-3", "--no-tensorboard");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /forked from .*checkpoint-2 after step 2; changed: .*algorithm\.optimizer\.learningRate .* → 0\.001\n/,
    );
    expect((await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n")).toHaveLength(3);
    expect([await eventFiles(out), (await eventFiles(whole)).length]).toEqual([[], 1]);
  });

  it("--fork must name a checkpoint", async () => {
    const { code, stdout, stderr } = await train(join(folder, "never"), 6, "--fork", join(folder, "nowhere"));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/nowhere: there is no checkpoint; expected a run's folder/);
  });
});
