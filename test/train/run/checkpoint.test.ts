import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../../src/random.js";
import {
  findCheckpoint,
  latestCheckpoint,
  openCheckpoint,
  removeCheckpoints,
  removePartialCheckpoints,
  writeCheckpoint,
} from "../../../src/train/run/checkpoint.js";
import { temporaryFolder } from "../../model/reference.js";
import { compileWriter, killWhileWriting } from "../checkpoint-killing.js";
import { checkpointState } from "../checkpoint-state.js";

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
    for (const step of [8, 9, 10]) await writeCheckpoint(out, checkpointState(step), writing(`state ${step}`));
    expect(await stateOf(out)).toEqual([10, "state 10"]);
  });

  it("may hold folders", async () => {
    const out = await temporaryFolder();
    await writeCheckpoint(out, checkpointState(1), (folder) => writing("deep")(join(folder, "critic")));
    expect(await readFile(join(out, "checkpoint-1", "critic", "state"), "utf8")).toBe("deep");
  });

  it("are kept two at a time", async () => {
    const out = await temporaryFolder();
    for (let step = 1; step <= 5; step++) await writeCheckpoint(out, checkpointState(step), writing(""));
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
    await writeCheckpoint(out, checkpointState(1), writing("one"));
    const broken = async (folder: string) => {
      await writing("half")(folder);
      throw new Error("disk full");
    };
    await expect(writeCheckpoint(out, checkpointState(2), broken)).rejects.toThrow("disk full");
    expect(await stateOf(out)).toEqual([1, "one"]);
    await writeCheckpoint(out, checkpointState(2), writing("two"));
    expect(await stateOf(out)).toEqual([2, "two"]);
    expect((await readdir(out)).sort()).toEqual(["checkpoint-1", "checkpoint-2"]);
  });

  it("that a crash left half-written are never taken for whole, nor mixed into the next", async () => {
    const out = await temporaryFolder();
    await writeCheckpoint(out, checkpointState(1), writing("one"));
    await writing("half")(join(out, "checkpoint-2.partial"));
    await writeFile(join(out, "checkpoint-2.partial", "stale"), "");
    await writing("half")(join(out, "checkpoint-7.partial"));
    expect(await stateOf(out)).toEqual([1, "one"]);
    await writeCheckpoint(out, checkpointState(2), writing("two"));
    expect(await readdir(join(out, "checkpoint-2"))).toEqual(["manifest.json", "state"]);
    await removePartialCheckpoints(out);
    expect((await readdir(out)).sort()).toEqual(["checkpoint-1", "checkpoint-2"]);
  });

  it("are removed for a new run, whole or not, and nothing else is", async () => {
    const out = await temporaryFolder();
    await writeCheckpoint(out, checkpointState(3), writing("three"));
    for (const name of ["checkpoint-4.partial", "adapter", "checkpoint-best"]) await writing("")(join(out, name));
    await removeCheckpoints(out);
    expect((await readdir(out)).sort()).toEqual(["adapter", "checkpoint-best"]);
  });
});

describe("kill -9 while checkpoints are written", () => {
  it("leaves nothing but whole ones under their names, 20 times of 20, some of them in the middle of a write", async () => {
    const random = new Random(11);
    const writer = await compileWriter(await temporaryFolder());
    const rounds = async (out: string, count: number) => {
      let midway = 0;
      for (let from = 1, round = 0; round < count; round++) {
        const kill = await killWhileWriting(writer, out, from, random);
        midway += Number(kill.midway);
        from = kill.step + 1;
      }
      return midway;
    };
    const [first, second] = await Promise.all([
      rounds(await temporaryFolder(), 10),
      rounds(await temporaryFolder(), 10),
    ]);
    expect(first + second).toBeGreaterThan(0);
  });
});

describe("a checkpoint's manifest", () => {
  const two = async () => {
    const out = await temporaryFolder();
    for (const step of [1, 2]) {
      await writeCheckpoint(out, checkpointState(step), async (folder) => {
        await writing(`state ${step}`)(folder);
        await writing(`critic ${step}`)(join(folder, "critic"));
      });
    }
    return { out, latest: (await latestCheckpoint(out))! };
  };
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

  it("gives back what was written, and the size and SHA-256 of every file", async () => {
    const { latest } = await two();
    expect(await openCheckpoint(latest)).toEqual({
      version: 2,
      ...checkpointState(2),
      files: {
        state: { bytes: 7, sha256: sha256("state 2") },
        "critic/state": { bytes: 8, sha256: sha256("critic 2") },
      },
    });
  });

  it("tells of a changed file by name, with both hashes and the older checkpoint that is whole", async () => {
    const { latest } = await two();
    await writeFile(join(latest.folder, "critic", "state"), "critic 3");
    await expect(openCheckpoint(latest)).rejects.toMatchObject({
      name: "FileError",
      where: join(latest.folder, "critic", "state"),
      expected: expect.stringContaining(sha256("critic 2")),
      found: `SHA-256 ${sha256("critic 3")}`,
      remedy: expect.stringMatching(/delete .*checkpoint-2 .*older checkpoint-1, which is whole/),
    });
  });

  it("tells of a missing file, and that no older checkpoint is whole", async () => {
    const { out, latest } = await two();
    await rm(join(latest.folder, "state"));
    await writeFile(join(out, "checkpoint-1", "state"), "");
    await expect(openCheckpoint(latest)).rejects.toMatchObject({
      name: "FileError",
      what: expect.stringContaining("missing"),
      where: join(latest.folder, "state"),
      expected: expect.stringContaining(sha256("state 2")),
      remedy: expect.stringContaining("no older checkpoint"),
    });
  });

  it("is itself guarded: cut off, changed or absent, it is refused", async () => {
    for (const damage of [
      (text: string) => text.slice(0, -20),
      (text: string) => text.replace('"position": 2', '"position": 3'),
      (text: string) => text.replace('"version": 2', '"version": 1'),
      () => undefined,
    ]) {
      const { latest } = await two();
      const file = join(latest.folder, "manifest.json");
      const damaged = damage(await readFile(file, "utf8"));
      await (damaged === undefined ? rm(file) : writeFile(file, damaged));
      await expect(openCheckpoint(latest)).rejects.toMatchObject({
        name: "FileError",
        where: file,
        remedy: expect.stringContaining("older checkpoint-1, which is whole"),
      });
    }
  });

  it("is refused under the name of another step", async () => {
    const { out } = await two();
    await rename(join(out, "checkpoint-2"), join(out, "checkpoint-8"));
    await expect(openCheckpoint((await latestCheckpoint(out))!)).rejects.toThrow(/expected step 8; found step 2/);
  });
});

describe("a checkpoint to start from", () => {
  it("is the folder itself, or the latest of a run's folder", async () => {
    const out = await temporaryFolder();
    for (const step of [1, 2]) await writeCheckpoint(out, checkpointState(step), writing(""));
    expect(await findCheckpoint(out)).toEqual({ step: 2, folder: join(out, "checkpoint-2") });
    expect(await findCheckpoint(join(out, "checkpoint-1"))).toEqual({ step: 1, folder: join(out, "checkpoint-1") });
  });

  it("must be there", async () => {
    const out = await temporaryFolder();
    await mkdir(join(out, "checkpoint-3.partial"));
    for (const from of [out, join(out, "none"), join(out, "checkpoint-3"), join(out, "checkpoint-3.partial")]) {
      await expect(findCheckpoint(from).then(openCheckpoint)).rejects.toMatchObject({ name: "FileError" });
    }
  });
});
