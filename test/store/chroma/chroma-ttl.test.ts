import { AsyncBatchedStore } from "@langchain/langgraph";
import { describe, expect, it, vi } from "vitest";
import { UsageError } from "../../../src/errors.js";
import { MemoryBank } from "../../../src/memory/bank/bank.js";
import { OverlayStore } from "../../../src/store/overlay-store.js";
import { hybridSearch } from "../../../src/store/search/hybrid-search.js";
import type { TtlOptions } from "../../../src/store/ttl.js";
import { newChromaStore, testServer } from "../servers.js";

const { url } = await testServer();

/** A store whose clock the test moves, in minutes. */
function clocked(ttl?: TtlOptions) {
  let minutes = 0;
  const now = () => new Date(1_700_000_000_000 + minutes * 60_000);
  return {
    store: newChromaStore(url, { now, ...(ttl === undefined ? {} : { ttl }) }),
    pass: (more: number) => (minutes += more),
  };
}

describe("time to live in ChromaStore", () => {
  it("lets a put say how long its item lives, and a sweep delete what has expired", async () => {
    const { store, pass } = clocked();
    await store.put(["a"], "short", { text: "one", notes: ["two", "three"] }, undefined, { ttl: 1 });
    await store.put(["a"], "long", { text: "four" }, undefined, { ttl: 10 });
    await store.put(["a"], "ever", { text: "five" });
    pass(2);
    expect(await store.sweep()).toBe(1);
    expect(await store.get(["a"], "short")).toBeNull();
    expect((await store.search(["a"], { query: "two" })).map(({ key }) => key).sort()).toEqual(["ever", "long"]);
    pass(100);
    expect(await store.sweep()).toBe(1);
    expect(await store.sweep()).toBe(0);
    expect((await store.search(["a"])).map(({ key }) => key)).toEqual(["ever"]);
  });

  it("gives new items the default, unless they say null", async () => {
    const { store, pass } = clocked({ defaultTtl: 5 });
    await store.put(["a"], "default", { text: "x" });
    await store.put(["a"], "ever", { text: "x" }, undefined, { ttl: null });
    await store.batch([{ namespace: ["a"], key: "batched", value: { text: "x" } }]);
    pass(6);
    expect(await store.sweep()).toBe(2);
    expect((await store.search(["a"])).map(({ key }) => key)).toEqual(["ever"]);
  });

  it("begins anew, with a search by words, the time of what is found alone, and of nothing where it says otherwise", async () => {
    for (const mode of ["text", "hybrid"] as const) {
      const { store, pass } = clocked({ defaultTtl: 10 });
      for (const key of ["piano", "cello", "violin"]) await store.put(["a"], key, { text: `Ana plays the ${key}` });
      pass(9);
      const options = { query: "piano", mode, limit: 1 };
      expect((await store.search(["a"], { ...options, query: "cello", refreshTtl: false })).length).toBe(1);
      expect((await store.search(["a"], options)).map(({ key }) => key)).toEqual(["piano"]);
      pass(5);
      expect(await store.sweep()).toBe(2);
      expect((await store.search(["a"])).map(({ key }) => key)).toEqual(["piano"]);
    }
  });

  it("begins anew where a bank finds a memory by its words", async () => {
    const { store, pass } = clocked({ defaultTtl: 10 });
    const value = { text: "Ana plays the piano", speaker: "Ana", time: "7 May", source: "1", order: 0 };
    await store.put(["bank"], "one", value);
    await store.put(["bank"], "two", { ...value, text: "Ana has a cat", order: 1 });
    pass(9);
    const bank = new MemoryBank({ store, namespace: ["bank"] });
    expect(await bank.retrieve("piano", { limit: 1, mode: "text" })).toHaveLength(1);
    pass(5);
    expect(await store.sweep()).toBe(1);
    expect((await bank.list()).map(({ key }) => key)).toEqual(["one"]);
  });

  it("is not begun anew by reads through a fork", async () => {
    const reads: ((fork: OverlayStore) => Promise<unknown>)[] = [
      (fork) => fork.get(["a"], "one"),
      (fork) => fork.search(["a"]),
      (fork) => fork.search(["a"], { query: "x" }),
      (fork) => hybridSearch(fork, ["a"], { query: "x" }),
      (fork) => fork.put(["a"], "one", { text: "y" }),
      (fork) => fork.delete(["a"], "two").then(() => fork.listNamespaces()),
    ];
    for (const read of reads) {
      const { store, pass } = clocked({ defaultTtl: 10 });
      for (const key of ["one", "two"]) await store.put(["a"], key, { text: "x" });
      pass(9);
      await read(new OverlayStore(store));
      pass(5);
      expect(await store.sweep()).toBe(2);
    }
  });

  it("is not begun anew by a hybrid search of the store that a graph's node is given", async () => {
    const { store, pass } = clocked({ defaultTtl: 10 });
    for (const key of ["one", "two"]) await store.put(["a"], key, { text: "x" });
    pass(9);
    const queue = new AsyncBatchedStore(store);
    queue.start();
    expect(await hybridSearch(queue, ["a"], { query: "x", limit: 1 })).toHaveLength(1);
    queue.stop();
    pass(5);
    expect(await store.sweep()).toBe(2);
  });

  it("begins anew, in every mode, with a search that asks for it, where reads do not by themselves", async () => {
    for (const mode of ["vector", "text", "hybrid"] as const) {
      const { store, pass } = clocked({ defaultTtl: 10, refreshOnRead: false });
      for (const key of ["piano", "cello"]) await store.put(["a"], key, { text: `Ana plays the ${key}` });
      pass(9);
      await store.search(["a"], { query: "cello", mode, limit: 1 });
      await store.search(["a"], { query: "piano", mode, limit: 1, refreshTtl: true });
      pass(5);
      expect(await store.sweep()).toBe(1);
      expect((await store.search(["a"])).map(({ key }) => key)).toEqual(["piano"]);
    }
  });

  it("begins the time anew with every get, search and put, but not with one that says otherwise", async () => {
    const { store, pass } = clocked({ defaultTtl: 10 });
    for (const key of ["got", "found", "put", "peeked"])
      await store.put([key], key, { text: key, notes: [`${key} 2`] });
    pass(8);
    await store.get(["got"], "got");
    await store.search(["found"], { query: "found 2" });
    await store.put(["put"], "put", { text: "again" });
    await store.get(["peeked"], "peeked", { refreshTtl: false });
    await store.search(["peeked"], { refreshTtl: false });
    pass(8);
    expect(await store.sweep()).toBe(1);
    expect(await store.listNamespaces()).toEqual([["found"], ["got"], ["put"]]);
    pass(8);
    expect(await store.sweep()).toBe(3);
  });

  it("does not begin the time anew on reads where it is told so", async () => {
    const { store, pass } = clocked({ defaultTtl: 10, refreshOnRead: false });
    await store.put(["a"], "k", { text: "x" });
    await store.put(["a"], "asked", { text: "x" });
    pass(8);
    await store.get(["a"], "k");
    await store.get(["a"], "asked", { refreshTtl: true });
    pass(8);
    expect(await store.sweep()).toBe(1);
    expect(await store.get(["a"], "asked")).not.toBeNull();
  });

  it("shows what has expired until it is swept, and hides it where it is told so", async () => {
    for (const omitExpired of [false, true]) {
      const { store, pass } = clocked({ omitExpired, refreshOnRead: false });
      await store.put(["a"], "k", { text: "x" }, undefined, { ttl: 1 });
      await store.put(["b"], "ever", { text: "x" });
      pass(2);
      expect((await store.get(["a"], "k")) === null).toBe(omitExpired);
      expect(await store.search([])).toHaveLength(omitExpired ? 1 : 2);
      expect(await store.search([], { query: "x", limit: 2 })).toHaveLength(omitExpired ? 1 : 2);
      expect(await store.listNamespaces()).toEqual(omitExpired ? [["b"]] : [["a"], ["b"]]);
    }
  });

  it("is that of a put which came while the item was read, by this store or another", async () => {
    const { store, pass } = clocked();
    const other = newChromaStore(url, { collection: "read-beside" });
    const reader = newChromaStore(url, { collection: "read-beside", now: () => new Date(0) });
    for (const [one, two] of [
      [store, store],
      [reader, other],
    ] as const) {
      for (let round = 0; round < 10; round++) {
        const key = `k${round}`;
        await one.put(["a"], key, { text: "old" }, undefined, { ttl: 1 });
        await Promise.all([one.get(["a"], key), two.put(["a"], key, { text: "new" }, undefined, { ttl: 100 })]);
      }
    }
    pass(2);
    expect(await store.sweep()).toBe(0);
    expect(await other.sweep()).toBe(0);
  });

  it("forgets an expiry when the item is put again for ever, seen by this store or another", async () => {
    const { store, pass } = clocked();
    const other = newChromaStore(url, { collection: "forever" });
    const one = newChromaStore(url, { collection: "forever", now: () => new Date(0) });
    await one.put(["a"], "k", { text: "x" }, undefined, { ttl: 1 });
    await other.put(["a"], "k", { text: "y" });
    expect(await other.sweep()).toBe(0);
    await store.put(["a"], "k", { text: "x" }, undefined, { ttl: 1 });
    await store.put(["a"], "k", { text: "y" });
    pass(5);
    expect(await store.sweep()).toBe(0);
    expect((await store.get(["a"], "k"))!.value).toEqual({ text: "y" });
  });

  it("refuses a time that is none", async () => {
    const { store } = clocked();
    for (const ttl of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(store.put(["a"], "k", { text: "x" }, undefined, { ttl })).rejects.toBeInstanceOf(UsageError);
    expect(await store.search(["a"])).toEqual([]);
  });

  it("is refused in a namespace that is refused without it", async () => {
    const { store } = clocked();
    for (const options of [{}, { ttl: 1 }])
      await expect(store.put(["langgraph"], "k", { text: "x" }, undefined, options)).rejects.toThrow(/namespace/i);
  });

  it("does not sweep at once where it is to sweep once a month, and refuses a time that is none", async () => {
    const monthly = newChromaStore(url, { ttl: { sweepIntervalMinutes: 60 * 24 * 30 } });
    const sweep = vi.spyOn(monthly, "sweep").mockResolvedValue(0);
    await monthly.start();
    await new Promise((resolve) => setTimeout(resolve, 50));
    monthly.stop();
    expect(sweep).not.toHaveBeenCalled();
    for (const sweepIntervalMinutes of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(newChromaStore(url, { ttl: { sweepIntervalMinutes } }).start()).rejects.toBeInstanceOf(UsageError);
  });

  it("sweeps by itself between start and stop", async () => {
    const store = newChromaStore(url, {
      ttl: { sweepIntervalMinutes: 1 / 1200, omitExpired: false, refreshOnRead: false },
      now: () => new Date(Date.now() + 60_000),
    });
    await store.put(["a"], "k", { text: "x" }, undefined, { ttl: 0.0001 });
    await store.start();
    await expect.poll(() => store.get(["a"], "k"), { timeout: 20_000 }).toBeNull();
    store.stop();
  });
});
