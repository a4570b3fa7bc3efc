import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readHeader, readTensor } from "../../src/model/safetensors.js";
import { Random } from "../../src/random.js";
import { latestCheckpoint, removeCheckpoints, writeCheckpoint } from "../../src/train/checkpoint.js";
import { temporaryFolder } from "../model/reference.js";

const writing = (text: string) => async (folder: string) => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "state"), text);
};

const stateOf = async (out: string) => {
  const latest = await latestCheckpoint(out);
  return latest === undefined ? undefined : [latest.step, await readFile(join(latest.folder, "state"), "utf8")];
};

describe("checkpoints", () => {
  it("are the latest by their step's number, not by its spelling", async () => {
    const out = await temporaryFolder();
    for (const step of [8, 9, 10]) await writeCheckpoint(out, step, writing(`state ${step}`));
    expect(await stateOf(out)).toEqual([10, "state 10"]);
  });

  it("may hold folders", async () => {
    const out = await temporaryFolder();
    await writeCheckpoint(out, 1, (folder) => writing("deep")(join(folder, "critic")));
    expect(await readFile(join(out, "checkpoint-1", "critic", "state"), "utf8")).toBe("deep");
  });

  it("are kept two at a time", async () => {
    const out = await temporaryFolder();
    for (let step = 1; step <= 5; step++) await writeCheckpoint(out, step, writing(""));
    expect((await readdir(out)).sort()).toEqual(["checkpoint-4", "checkpoint-5"]);
  });

  it("of a folder that does not exist are none; a file in its place is an error", async () => {
    const out = await temporaryFolder();
    expect(await latestCheckpoint(join(out, "missing"))).toBeUndefined();
    await writeFile(join(out, "file"), "");
    await expect(latestCheckpoint(join(out, "file"))).rejects.toThrow(/ENOTDIR/);
  });

  it("that fail half-way leave the one before as the latest, and the next attempt succeeds", async () => {
    const out = await temporaryFolder();
    await writeCheckpoint(out, 1, writing("one"));
    const broken = async (folder: string) => {
      await writing("half")(folder);
      throw new Error("disk full");
    };
    await expect(writeCheckpoint(out, 2, broken)).rejects.toThrow("disk full");
    expect(await stateOf(out)).toEqual([1, "one"]);
    await writeCheckpoint(out, 2, writing("two"));
    expect(await stateOf(out)).toEqual([2, "two"]);
    expect((await readdir(out)).sort()).toEqual(["checkpoint-1", "checkpoint-2"]);
  });

  it("that a crash left half-written are never taken for whole, nor mixed into the next", async () => {
    const out = await temporaryFolder();
    await writeCheckpoint(out, 1, writing("one"));
    await writing("half")(join(out, "checkpoint-2.partial"));
    await writeFile(join(out, "checkpoint-2.partial", "stale"), "");
    await writing("half")(join(out, "checkpoint-7.partial"));
    expect(await stateOf(out)).toEqual([1, "one"]);
    await writeCheckpoint(out, 2, writing("two"));
    expect(await readdir(join(out, "checkpoint-2"))).toEqual(["state"]);
  });

  it("are removed for a new run, whole or not, and nothing else is", async () => {
    const out = await temporaryFolder();
    await writeCheckpoint(out, 3, writing("three"));
    for (const name of ["checkpoint-4.partial", "adapter", "checkpoint-best"]) await writing("")(join(out, name));
    await removeCheckpoints(out);
    expect((await readdir(out)).sort()).toEqual(["adapter", "checkpoint-best"]);
  });
});

/** Compiles the writer, so that each of its processes starts at once. Returns its path. */
async function compileWriter(): Promise<string> {
  const folder = await temporaryFolder();
  const options = ["--ignoreConfig", "--noCheck", "--target", "es2023", "--module", "nodenext", "--types", "node"];
  const where = ["--rootDir", ".", "--outDir", folder, join("test", "train", "checkpoint-writer.ts")];
  execFileSync(process.execPath, [join("node_modules", "typescript", "bin", "tsc"), ...options, ...where]);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await symlink(resolve("node_modules"), join(folder, "node_modules"), "junction");
  return join(folder, "test", "train", "checkpoint-writer.js");
}

/** Starts a writer, lets it finish some checkpoints, and kills it at an arbitrary moment of a later one. Returns the last step that it told. */
async function writeAndKill(script: string, out: string, from: number, random: Random): Promise<number> {
  const child = spawn(process.execPath, [script, out, String(from)], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const wanted = from + random.int(3);
  let told = "";
  await new Promise<void>((reached) => {
    child.stdout.on("data", (chunk) => {
      told += String(chunk);
      if (told.includes(`${wanted}\n`)) reached();
    });
    child.stdout.on("end", reached);
  });
  // From a part of one checkpoint's time to several.
  await setTimeout(15 * random.next());
  child.kill("SIGKILL");
  const [, signal] = (await exited) as [number | null, string | null];
  expect(signal).toBe("SIGKILL");
  return Math.max(...told.trim().split("\n").map(Number));
}

describe("kill -9 while checkpoints are written", () => {
  it("leaves a latest checkpoint that is whole, 20 times of 20", async () => {
    const random = new Random(11);
    const writer = await compileWriter();
    const rounds = async (out: string, count: number) => {
      for (let from = 1, round = 0; round < count; round++) {
        const told = await writeAndKill(writer, out, from, random);
        const latest = (await latestCheckpoint(out))!;
        expect(latest.step).toBeGreaterThanOrEqual(told);
        for (const name of ["training.safetensors", "more.safetensors"]) {
          const { tensors, metadata } = await readHeader(join(latest.folder, name));
          expect(metadata.step).toBe(String(latest.step));
          const values = readTensor(tensors.get("values")!);
          expect(values.length).toBe(20_000);
          expect(values.every((value) => value === latest.step)).toBe(true);
        }
        from = latest.step + 1;
      }
    };
    await Promise.all([rounds(await temporaryFolder(), 10), rounds(await temporaryFolder(), 10)]);
  });
});
