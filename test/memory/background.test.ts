import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { UsageError } from "../../src/errors.js";
import { BackgroundWrites } from "../../src/memory/background.js";

const soon = () => new Promise((resolve) => setImmediate(resolve));

test("adding does not wait for the task, and flushing waits for all, also for what a task adds", async () => {
  const writes = new BackgroundWrites();
  const done: string[] = [];
  let release = () => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  await writes.add("a", async () => {
    await gate;
    done.push("first");
    await writes.add("a", async () => done.push("added by a task"));
  });
  expect([writes.pending, done]).toEqual([1, []]);
  const flushed = writes.flush();
  release();
  await flushed;
  expect(done).toEqual(["first", "added by a task"]);
  expect(writes.pending).toBe(0);
});

test("tasks of one key keep their order, those of another do not wait for them", async () => {
  const writes = new BackgroundWrites();
  const done: string[] = [];
  let release = () => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  await writes.add("ana", () => gate.then(() => done.push("ana 1")));
  await writes.add("ana", async () => done.push("ana 2"));
  await writes.add("ben", async () => done.push("ben 1"));
  await soon();
  expect(done).toEqual(["ben 1"]);
  release();
  await writes.flush();
  expect(done).toEqual(["ben 1", "ana 1", "ana 2"]);
});

test("a task that fails is reported, and those after it run", async () => {
  const errors: unknown[] = [];
  const writes = new BackgroundWrites({ onError: (error) => errors.push(error) });
  let ran = false;
  await writes.add("a", () => Promise.reject(new Error("broken")));
  await writes.add("a", async () => (ran = true));
  await writes.flush();
  expect([errors, ran]).toEqual([[new Error("broken")], true]);
});

test("a report that fails itself is told of, and those after it run", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  for (const fail of [
    () => Promise.reject(new Error("no reporter")),
    (): never => {
      throw new Error("no reporter");
    },
  ]) {
    const writes = new BackgroundWrites({ onError: fail });
    let ran = false;
    await writes.add("a", () => Promise.reject(new Error("broken")));
    await writes.add("a", async () => (ran = true));
    await writes.flush();
    expect(ran).toBe(true);
    expect(warned.mock.calls.flat().join()).toMatch(/not written: broken.*onError.*: no reporter/);
    warned.mockClear();
  }
  warned.mockRestore();
});

test("adding waits where as many tasks wait as may", async () => {
  const writes = new BackgroundWrites({ limit: 1 });
  let release = () => {};
  await writes.add("a", () => new Promise<void>((resolve) => (release = resolve)));
  let added = false;
  const second = writes.add("b", soon).then(() => (added = true));
  await soon();
  expect(added).toBe(false);
  release();
  await second;
  await writes.flush();
});

test("tasks that wait for room keep their order, also before one that comes just when there is room again", async () => {
  for (let ticks = 0; ticks < 12; ticks++) {
    const writes = new BackgroundWrites({ limit: 1 });
    const done: string[] = [];
    let release = () => {};
    await writes.add("a", () => new Promise<void>((resolve) => (release = resolve)));
    const second = writes.add("a", async () => done.push("second"));
    release();
    for (let tick = 0; tick < ticks; tick++) await null;
    await writes.add("a", async () => done.push("third"));
    await second;
    await writes.flush();
    expect(done).toEqual(["second", "third"]);
  }
});

test("those who wait for room when it closes are refused", async () => {
  const writes = new BackgroundWrites({ limit: 1 });
  await writes.add("a", soon);
  const waiting = ["b", "c"].map((key) => expect(writes.add(key, soon)).rejects.toThrow(UsageError));
  await writes.close();
  await Promise.all(waiting);
});

test("nothing can be added after close, which waits for what was", async () => {
  const writes = new BackgroundWrites();
  let ran = false;
  await writes.add("a", async () => {
    await soon();
    ran = true;
  });
  await writes.close();
  expect(ran).toBe(true);
  await expect(writes.add("a", soon)).rejects.toThrow(UsageError);
});

test.each(["SIGTERM", "end of work"])("what was added is written before the process ends by %s", async (how) => {
  const source = `
    import { BackgroundWrites } from ${JSON.stringify(new URL("../../src/memory/background.ts", import.meta.url).href)};
    const writes = new BackgroundWrites();
    writes.flushOnExit();
    await writes.add("a", () => new Promise((resolve) => setTimeout(() => { console.log("written"); resolve(); }, 200)));
    ${how === "SIGTERM" ? "setInterval(() => undefined, 1000);" : ""}
    console.log("ready");
  `;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (text: Buffer) => {
    out += String(text);
    if (how === "SIGTERM" && out === "ready\n") child.kill("SIGTERM");
  });
  const [code, signal] = await once(child, "close");
  expect(out).toBe("ready\nwritten\n");
  expect([code, signal]).toEqual(how === "SIGTERM" ? [null, "SIGTERM"] : [0, null]);
});
