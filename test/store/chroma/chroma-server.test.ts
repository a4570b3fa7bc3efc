import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { StoreError } from "../../../src/errors.js";
import { chromaBindings } from "../../../src/store/chroma/chroma-bindings.js";
import { startChromaServer } from "../../../src/store/chroma/chroma-server.js";
import { newChromaStore, temporaryFolder } from "../servers.js";

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function untilDead(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 200 && isAlive(pid); tries += 1) await delay(50);
  return !isAlive(pid);
}

describe("startChromaServer", () => {
  it("loses no acknowledged write when the server is killed in the middle of writing", async () => {
    const path = await temporaryFolder();
    const first = await startChromaServer({ path });
    const store = newChromaStore(first.url, { collection: "durable" });
    await store.start();
    const acknowledged: string[] = [];
    const failures: unknown[] = [];
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let at = 0; failures.length === 0; at += 1) {
        const key = `writer ${writer} memory ${at}`;
        try {
          await store.put(["m"], key, { text: key, notes: ["one", key] });
          acknowledged.push(key);
          if (acknowledged.length === 30) process.kill(first.pid!, "SIGKILL");
        } catch (error) {
          failures.push(error);
        }
      }
    });
    await Promise.all(writers);
    expect(failures.every((error) => error instanceof StoreError)).toBe(true);
    await first.stop();

    const second = await startChromaServer({ path });
    const after = newChromaStore(second.url, { collection: "durable" });
    const items = await after.batch(acknowledged.map((key) => ({ namespace: ["m"], key })));
    expect(items.map((item) => item?.value.text)).toEqual(acknowledged);
    for (const key of acknowledged.slice(-5)) {
      const [best] = await after.search(["m"], { query: key, limit: 1 });
      expect(best).toMatchObject({ key, score: expect.closeTo(1, 5) });
    }
    await second.stop();
    expect(acknowledged.length).toBeGreaterThanOrEqual(30);
  });

  it("ends its process on stop", async () => {
    const server = await startChromaServer({ path: await temporaryFolder() });
    expect(isAlive(server.pid!)).toBe(true);
    await server.stop();
    expect(isAlive(server.pid!)).toBe(false);
    await server.stop();
  });

  it("ends its process when the process that started it is killed, and lets that one end by itself", async () => {
    const survives = [true, false].map(async (killed) => {
      const path = await temporaryFolder();
      const source = `
        import { startChromaServer } from ${JSON.stringify(new URL("../../../src/store/chroma/chroma-server.ts", import.meta.url).href)};
        const { pid } = await startChromaServer({ path: ${JSON.stringify(path)} });
        console.log(pid);
        ${killed ? "setInterval(() => undefined, 1000);" : ""}
      `;
      const parent = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", source], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [line] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(String(line));
      if (killed) parent.kill("SIGKILL");
      await once(parent, "close");
      return !(await untilDead(pid));
    });
    expect(await Promise.all(survives)).toEqual([false, false]);
  });

  it("shares a folder that is already served, rather than letting two servers write it", async () => {
    const path = await temporaryFolder();
    const first = await startChromaServer({ path });
    const second = await startChromaServer({ path });
    expect(second).toMatchObject({ url: first.url, pid: undefined });
    await second.stop();
    expect(isAlive(first.pid!)).toBe(true);
    await first.stop();
  });

  it("starts one server where two starts on a new folder come at once", async () => {
    const path = await temporaryFolder();
    const both = await Promise.all([startChromaServer({ path }), startChromaServer({ path })]);
    expect(both[0].url).toBe(both[1].url);
    expect(both.filter(({ pid }) => pid !== undefined)).toHaveLength(1);
    await Promise.all(both.map((server) => server.stop()));
  });

  it("takes a folder over from one who ended before its server was up, or with its server", async () => {
    const ended = spawn(process.execPath, ["-e", ""]);
    await once(ended, "close");
    const long = new Date(Date.now() - 3_600_000);
    const claims = [
      { content: JSON.stringify({ pid: ended.pid }) },
      { content: JSON.stringify({ pid: ended.pid, url: "http://127.0.0.1:9" }) },
      // The system has given its number to another process.
      { content: JSON.stringify({ pid: process.pid }), written: long },
      { content: JSON.stringify({ pid: process.pid, url: "http://127.0.0.1:9" }) },
      // A crash left it empty.
      { content: "", written: long },
    ];
    const path = await temporaryFolder();
    const claim = join(path, "server.json");
    for (const { content, written = new Date() } of claims) {
      await writeFile(claim, content);
      await utimes(claim, written, written);
      const server = await startChromaServer({ path });
      expect(isAlive(server.pid!)).toBe(true);
      expect(JSON.parse(await readFile(claim, "utf8"))).toMatchObject({ url: server.url, pid: server.pid });
      await server.stop();
      await expect(readFile(claim)).rejects.toThrow("ENOENT");
    }
  });

  it("leaves the folder to one who has taken it meanwhile, and shares the server of that one", async () => {
    const other = await startChromaServer({ path: await temporaryFolder() });
    const taken = JSON.stringify({ pid: other.pid, url: other.url });
    const path = await temporaryFolder();
    const claim = join(path, "server.json");
    const before = await startChromaServer({ path });
    await writeFile(claim, taken);
    await before.stop();
    expect(await readFile(claim, "utf8")).toBe(taken);
    await rm(claim);

    const starting = startChromaServer({ path });
    while (!existsSync(claim)) await delay(1);
    await writeFile(claim, taken);
    expect(await starting).toMatchObject({ url: other.url, pid: undefined });
    await other.stop();
  });

  it("gives the folder up where no server comes up", async () => {
    const path = await temporaryFolder();
    await expect(startChromaServer({ path, bindings: [] })).rejects.toBeInstanceOf(StoreError);
    await (await startChromaServer({ path })).stop();
  });

  it("tries the next binding where one does not load", async () => {
    const path = await temporaryFolder();
    const broken = join(path, "broken.cjs");
    await writeFile(broken, 'throw new Error("GLIBC_9.99 not found")');
    const bindings = [{ name: "absent", path: undefined }, { name: "broken", path: broken }, ...chromaBindings()];
    const server = await startChromaServer({ path, bindings });
    expect(isAlive(server.pid!)).toBe(true);
    await server.stop();
  });

  it("reports what the server printed where it ends at its start", async () => {
    const path = await temporaryFolder();
    await writeFile(join(path, "chroma.sqlite3"), "this is no database");
    const error = await startChromaServer({ path }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ where: expect.stringContaining(path), found: expect.stringMatching(/database/i) });
  });

  it("says what is missing for each binding where none loads", async () => {
    const path = await temporaryFolder();
    const broken = join(path, "broken.cjs");
    await writeFile(broken, 'throw new Error("GLIBC_9.99 not found")');
    const bindings = [
      { name: "absent", path: undefined },
      { name: "broken", path: broken },
    ];
    const error = await startChromaServer({ path, bindings }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      found: "absent: not installed | broken: GLIBC_9.99 not found",
      remedy: expect.stringContaining("CHROMA_URL"),
      cause: expect.any(AggregateError),
    });
  });

  it("reports a port that is taken and a folder that cannot be written", async () => {
    const server = await startChromaServer({ path: await temporaryFolder() });
    const other = await temporaryFolder();
    const port = Number(new URL(server.url).port);
    const error = await startChromaServer({ path: other, port }).catch((thrown: unknown) => thrown);
    await server.stop();
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ where: expect.stringContaining(String(port)), cause: { code: "EADDRINUSE" } });
    const file = join(other, "file");
    await writeFile(file, "");
    await expect(startChromaServer({ path: join(file, "below") })).rejects.toBeInstanceOf(StoreError);
  });
});

describe("chromaBindings", () => {
  it("names two versions for each platform that Chroma serves, and none for others", () => {
    for (const platform of ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"])
      expect(chromaBindings(platform)).toHaveLength(2);
    expect(chromaBindings("sunos-sparc")).toEqual([]);
  });
});
