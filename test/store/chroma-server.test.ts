import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { StoreError } from "../../src/errors.js";
import { chromaBindings } from "../../src/store/chroma-bindings.js";
import { startChromaServer } from "../../src/store/chroma-server.js";
import { newChromaStore, temporaryFolder } from "./servers.js";

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
        import { startChromaServer } from ${JSON.stringify(new URL("../../src/store/chroma-server.ts", import.meta.url).href)};
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
