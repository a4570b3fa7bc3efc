import { getEventListeners } from "node:events";
import { setImmediate as macrotask } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { batcherOf, RequestBatcher } from "../../../src/model/chat/request-batcher.js";
import type { GenerateOptions, GenerateRequest } from "../../../src/model/engine/engine.js";
import { byteTokenizer, endId, FakeEngine } from "../fake-engine.js";

const ask = (text: string): GenerateRequest => ({
  promptIds: byteTokenizer.encodeChat([{ role: "user", content: text }]),
  maxNewTokens: 64,
  temperature: 0,
  seed: 0,
});
const options = (change: Partial<GenerateOptions> = {}): GenerateOptions => ({ stopIds: [endId], ...change });
const sizes = (engine: FakeEngine): number[] => engine.calls.map(({ requests }) => requests.length);

describe("RequestBatcher", () => {
  it("collects what arrives while the engine is busy, up to the largest batch", async () => {
    const engine = new FakeEngine();
    const batcher = new RequestBatcher(engine, 4);
    const first = batcher.submit(ask("first"), options());
    await macrotask();
    const later = Array.from({ length: 6 }, (_, index) => batcher.submit(ask(`${index}`), options()));
    const results = await Promise.all([first, ...later]);
    expect(sizes(engine)).toEqual([1, 4, 2]);
    const texts = results.map(({ generations }) => byteTokenizer.decode(generations[0]!.ids));
    expect(texts).toEqual(["You said first", ...Array.from({ length: 6 }, (_, index) => `You said ${index}`)]);
  });

  it("never mixes adapters or stop ids in one call, and starves nobody", async () => {
    const engine = new FakeEngine();
    const batcher = new RequestBatcher(engine);
    const results = await Promise.all([
      batcher.submit(ask("a"), options({ adapter: "manager" })),
      batcher.submit(ask("b"), options({ adapter: "answerer" })),
      batcher.submit(ask("c"), options({ adapter: "manager" })),
      batcher.submit(ask("d"), options({ adapter: "manager", stopIds: [1, endId] })),
    ]);
    expect(sizes(engine)).toEqual([2, 1, 1]);
    expect(results.map(({ policyVersion }) => policyVersion)).toEqual([
      "manager@0",
      "answerer@0",
      "manager@0",
      "manager@0",
    ]);
  });

  it("runs a request that streams alone", async () => {
    const engine = new FakeEngine();
    const batcher = new RequestBatcher(engine);
    const streamed: number[] = [];
    const onTokens = (ids: readonly number[]): void => {
      streamed.push(...ids);
    };
    const [, result] = await Promise.all([
      batcher.submit(ask("a"), options()),
      batcher.submit(ask("b"), options({ onTokens })),
      batcher.submit(ask("c"), options()),
    ]);
    expect(sizes(engine)).toEqual([2, 1]);
    expect(streamed).toEqual(result.generations[0]?.ids);
  });

  it("forgets a waiting request that is aborted", async () => {
    const engine = new FakeEngine();
    const batcher = new RequestBatcher(engine);
    const abort = new AbortController();
    const busy = batcher.submit(ask("a"), options());
    await macrotask();
    const waiting = batcher.submit(ask("b"), options({ signal: abort.signal }));
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
    await busy;
    await macrotask();
    expect(sizes(engine)).toEqual([1]);
  });

  it("lets go of a signal once its request is answered", async () => {
    const { signal } = new AbortController();
    const batcher = new RequestBatcher(new FakeEngine());
    for (const text of ["a", "b"]) await batcher.submit(ask(text), options({ signal }));
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("stops the engine only when the whole batch is aborted", async () => {
    const engine = new FakeEngine();
    const batcher = new RequestBatcher(engine);
    const aborts = [new AbortController(), new AbortController()];
    const requests = aborts.map(({ signal }) => batcher.submit(ask("a"), options({ signal })));
    const settled = Promise.allSettled(requests);
    await macrotask();
    await macrotask();
    aborts[0]?.abort();
    expect(engine.calls[0]?.options.signal?.aborted).toBe(false);
    aborts[1]?.abort();
    expect(engine.calls[0]?.options.signal?.aborted).toBe(true);
    expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  it("fails every request of a batch with the engine's error, then goes on", async () => {
    const engine = new FakeEngine();
    const batcher = new RequestBatcher(engine);
    engine.failure = new Error("broken");
    const settled = await Promise.allSettled([
      batcher.submit(ask("a"), options()),
      batcher.submit(ask("b"), options()),
    ]);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    engine.failure = undefined;
    expect((await batcher.submit(ask("c"), options())).generations).toHaveLength(1);
  });

  it("is one and the same for all users of an engine", () => {
    const engine = new FakeEngine();
    expect(batcherOf(engine)).toBe(batcherOf(engine));
    expect(batcherOf(engine)).not.toBe(batcherOf(new FakeEngine()));
  });
});
