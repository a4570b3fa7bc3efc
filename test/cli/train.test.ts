import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dialogue } from "../../src/evaluate/dialogue.js";
import { conversationMark, writeTrainedOn } from "../../src/train/tasks/conversations.js";
import { recordWorld, world } from "../train/recorded-world.js";
import { hasTinyModel, runCli } from "./run-cli.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "memory-r1-train-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function episodesOf(id: string): Promise<string> {
  const path = join(folder, `${id}.jsonl`);
  const events = await recordWorld();
  const named = events.map((event) => ("namespace" in event ? { ...event, namespace: ["recordings", id] } : event));
  await writeFile(path, named.map((event) => `${JSON.stringify(event)}\n`).join(""));
  return path;
}

async function dataOf(dialogues: readonly Dialogue[]): Promise<string> {
  const path = join(folder, "data.json");
  await writeFile(path, JSON.stringify(dialogues));
  return path;
}

async function adapterOf(dialogues: readonly Dialogue[]): Promise<string> {
  const path = await mkdtemp(join(folder, "adapter-"));
  await writeTrainedOn(path, { conversations: dialogues.map(conversationMark) });
  return path;
}

describe("what must not be learned from, judged or lost", () => {
  it("train refuses held-out conversations before it begins, unless it is told", async () => {
    const args = ["train", "--episodes", await episodesOf("conv-30"), "--model", join(folder, "none")];
    const { code, stderr } = await runCli(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/UsageError: --episodes: .*held out; .*conv-30 \(validation split .*--allow-held-out/);
    // Past the check it fails at the next thing that is wrong.
    expect((await runCli(...args, "--allow-held-out")).stderr).toMatch(/model's folder is missing/);
    const own = ["train", "--episodes", await episodesOf("own"), "--model", join(folder, "none")];
    expect((await runCli(...own)).stderr).toMatch(/model's folder is missing/);
  });

  it("train refuses a folder that holds a run, unless it is told, before it reads or removes anything", async () => {
    const out = await mkdtemp(join(folder, "run-"));
    const args = ["train", "--episodes", await episodesOf("again"), "--model", join(folder, "none"), "--out", out];
    await writeFile(join(out, "metrics.jsonl"), '{"step":1}\n');
    const first = await runCli(...args);
    expect(first.code).toBe(2);
    expect(first.stderr).toMatch(
      /run-.*: the folder holds a run already; .*found metrics\.jsonl of 11 bytes; .*--overwrite/,
    );
    await mkdir(join(out, "checkpoint-7"));
    expect((await runCli(...args)).stderr).toMatch(/found .*checkpoint-7; pass --resume/);
    expect((await runCli(...args, "--overwrite")).stderr).toMatch(/model's folder is missing/);
  });

  it("evaluate refuses conversations that an adapter learned from, unless it is told", async () => {
    const data = await dataOf(world);
    const [seen, unseen] = [await adapterOf(world.slice(0, 1)), await adapterOf([])];
    const args = ["evaluate", "--data", data, "--model", join(folder, "none"), "--adapter-manager", unseen];
    const { code, stderr } = await runCli(...args, "--adapter-answerer", seen);
    expect(code).toBe(2);
    expect(stderr).toMatch(/UsageError: .*adapter-.*found one; .*--allow-trained/);
    for (const more of [
      ["--adapter-answerer", seen, "--allow-trained"],
      ["--adapter-answerer", unseen],
    ]) {
      expect((await runCli(...args, ...more)).stderr).toMatch(/model's folder is missing/);
    }
  });
});

describe.skipIf(!hasTinyModel)("with the tiny model (skipped without its weights)", () => {
  let episodes: string;
  beforeAll(async () => {
    episodes = join(folder, "tiny.jsonl");
    const record = ["--dialogues", "1", "--turns", "6", "--store", "memory", "--max-new-tokens", "64"];
    expect((await runCli("record", ...record, "--out", episodes)).code).toBe(0);
  });

  it("train --stop-on-alarm ends at the first alarm with exit code 3; without it the run goes on and sums itself up", async () => {
    const out = join(folder, "run");
    await mkdir(out);
    // All of the reward is for form.
    const small = ["--agent", "answerer", "--batch", "1", "--group", "2", "--steps", "5", "--format-weight", "1"];
    const args = ["train", "--episodes", episodes, ...small, "--max-new-tokens", "8", "--out", out];
    const stopped = await runCli(...args, "--stop-on-alarm");
    expect(stopped.code).toBe(3);
    expect(stopped.stderr).toMatch(/AlarmError: step 5: training stopped at an alarm: .*no checkpoint yet; look at/);
    const alarm = /alarm: (\S+): /.exec(stopped.stdout)![1]!;
    const lines = (await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n");
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({
      alarms: expect.arrayContaining([expect.objectContaining({ kind: alarm })]),
    });
    const whole = await runCli(...args, "--overwrite");
    expect(whole.code).toBe(0);
    expect(whole.stdout).toMatch(/answerer: 5 steps, 5 groups \(\d dropped: equal rewards\), 10 responses/);
    expect(whole.stdout).toMatch(/alarm: /);
    const trained = JSON.parse(await readFile(join(out, "adapter", "trained-on.json"), "utf8")) as {
      task: string;
      conversations: unknown[];
    };
    expect(trained.task).toBe("answerer");
    expect(trained.conversations).toHaveLength(1);
  });

  it("train ends with a checkpoint and exit code 130 at Ctrl+C, and goes on from there", async () => {
    const out = join(folder, "interrupted");
    const args = ["train", "--episodes", episodes, "--agent", "answerer", "--batch", "1", "--group", "2", "--out", out];
    const running = runCli(...args, "--max-new-tokens", "8", "--steps", "1000");
    await expect.poll(() => readFile(join(out, "metrics.jsonl"), "utf8"), { timeout: 60_000 }).toMatch(/"step":1,/);
    process.emit("SIGINT", "SIGINT");
    const { code, stderr } = await running;
    const [, step] = /training stopped; go on from .*checkpoint-(\d+) with --resume\n/.exec(stderr)!;
    expect(code).toBe(130);
    const more = await runCli(...args, "--max-new-tokens", "8", "--steps", String(Number(step) + 1), "--resume");
    expect([more.code, more.stdout]).toEqual([0, expect.stringContaining(`after step ${step}\n`)]);
  });
});
