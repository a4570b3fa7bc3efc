import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { Command, InMemoryStore, isInterrupted, MemorySaver } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import type { DeleteRequest } from "../../src/memory/approval.js";
import { addOnly } from "../../src/memory/controls.js";
import { createMemoryGraph } from "../../src/memory/graph.js";
import { createMemoryManager, type ManagerOptions } from "../../src/memory/manager.js";
import { operations, ScriptedModel } from "./scripted-model.js";

const namespace = ["memories", "test"];
const config = { configurable: { thread_id: "t1" } };
const noWait = { initialInterval: 1, maxInterval: 1, jitter: false };

const turn = (id: string, fact: string) => ({ id, speaker: "Ana", text: fact, time: "7 May 2023", facts: [fact] });

const add = (text: string) => operations({ event: "ADD", text });
const texts = async (store: InMemoryStore) =>
  (await store.search(namespace)).map(({ value }) => value.text as string).sort();

function manager(model: BaseChatModel, options: Partial<ManagerOptions> = {}) {
  const store = new InMemoryStore();
  const graph = createMemoryManager({ model, store, namespace, ...options }).compile({
    checkpointer: new MemorySaver(),
  });
  return { graph, store };
}

/** The only request that a result was interrupted with. */
function requestOf(result: unknown): DeleteRequest {
  if (!isInterrupted<DeleteRequest>(result)) throw new Error("the run was not interrupted");
  expect(result.__interrupt__).toHaveLength(1);
  return result.__interrupt__[0]!.value!;
}

describe("approval of deletes", () => {
  const script = () => {
    const replies = [
      add("Ana lives in Oslo"),
      operations({ event: "DELETE", id: "m1" }, { event: "ADD", text: "Ana left" }),
    ];
    return new ScriptedModel(() => replies.shift()!);
  };

  test.each([
    ["yes", ["Ana left"]],
    [true, ["Ana left"]],
    [" No ", ["Ana left", "Ana lives in Oslo"]],
    [false, ["Ana left", "Ana lives in Oslo"]],
  ])("resumed with %j, the bank holds %j, and the model was not asked again", async (reply, expected) => {
    const model = script();
    const { graph, store } = manager(model, { approveDeletes: true });
    await graph.invoke({ turn: turn("D1:1", "Ana lives in Oslo") }, config);
    const paused = await graph.invoke({ turn: turn("D1:2", "Ana left Oslo") }, config);
    expect(requestOf(paused)).toMatchObject({
      kind: "memory-r1:approve_delete",
      operation: { event: "DELETE", id: "m1" },
      memory: { text: "Ana lives in Oslo" },
      turn: { id: "D1:2" },
    });
    expect(await texts(store)).toEqual(["Ana lives in Oslo"]);
    const { step } = await graph.invoke(new Command({ resume: reply }), config);
    expect(await texts(store)).toEqual(expected);
    expect(step!.changes.map(({ event }) => event)).toEqual(expected.length === 1 ? ["DELETE", "ADD"] : ["ADD"]);
    expect(model.asked).toHaveLength(2);
  });

  test("reaches through the graph of turns and a question, and asks again what it cannot understand", async () => {
    const store = new InMemoryStore();
    const model = script();
    const graph = createMemoryGraph({ model, store, namespace, approveDeletes: true }).compile({
      checkpointer: new MemorySaver(),
    });
    const turns = [turn("D1:1", "Ana lives in Oslo"), turn("D1:2", "Ana left Oslo")];
    expect(requestOf(await graph.invoke({ turns }, config))).not.toHaveProperty("notUnderstood");
    const again = await graph.invoke(new Command({ resume: "perhaps" }), config);
    expect(requestOf(again)).toMatchObject({ operation: { id: "m1" }, notUnderstood: '"perhaps"' });
    const { steps } = await graph.invoke(new Command({ resume: "yes" }), config);
    expect(steps.map(({ turn: { id } }) => id)).toEqual(["D1:1", "D1:2"]);
    expect(await texts(store)).toEqual(["Ana left"]);
    expect(model.asked).toHaveLength(2);
  });

  test("is not asked for where nothing is deleted", async () => {
    const { graph, store } = manager(new ScriptedModel(add("a fact")), { approveDeletes: true });
    await graph.invoke({ turn: turn("D1:1", "a fact") }, config);
    expect(await texts(store)).toEqual(["a fact"]);
  });
});

describe("retries", () => {
  test("a model that fails is asked again as the policy says, and the memory is added once", async () => {
    let failures = 2;
    const model = new ScriptedModel(() => {
      if (failures-- > 0) throw new Error("overloaded");
      return add("a fact");
    });
    const { graph, store } = manager(model, { retryPolicy: { maxAttempts: 3, ...noWait } });
    await graph.invoke({ turn: turn("D1:1", "a fact") }, config);
    expect(model.asked).toHaveLength(3);
    expect(await texts(store)).toEqual(["a fact"]);
  });

  test("a store that fails after it has written gets the same memory under the same key", async () => {
    class Flaky extends InMemoryStore {
      failures = 1;
      override async batch(...args: Parameters<InMemoryStore["batch"]>): Promise<never> {
        const results = await super.batch(...args);
        const writes = args[0].some((operation) => "value" in operation);
        if (writes && this.failures-- > 0) throw new Error("connection lost");
        return results as never;
      }
    }
    const store = new Flaky();
    const options = { decide: addOnly, store, namespace, retryPolicy: { maxAttempts: 2, ...noWait } };
    await createMemoryManager(options)
      .compile()
      .invoke({ turn: turn("D1:1", "a fact") });
    expect(store.failures).toBe(-1);
    expect(await texts(store)).toEqual(["a fact"]);
  });

  test("without a policy a failure ends the run", async () => {
    const { graph } = manager(
      new ScriptedModel(() => {
        throw new Error("overloaded");
      }),
    );
    await expect(graph.invoke({ turn: turn("D1:1", "a fact") }, config)).rejects.toThrow("overloaded");
  });
});

describe("streaming modes", () => {
  test("updates name each node, values end with the step, of subgraphs too", async () => {
    const model = new ScriptedModel(add("a fact"));
    const graph = createMemoryGraph({ model, store: new InMemoryStore(), namespace }).compile();
    const nodes: string[] = [];
    let last: unknown;
    const stream = await graph.stream(
      { turns: [turn("D1:1", "a fact")] },
      { streamMode: ["updates", "values"], subgraphs: true },
    );
    for await (const [path, mode, data] of stream) {
      if (mode === "updates")
        nodes.push(...Object.keys(data).map((node) => (path.length === 0 ? node : `remember/${node}`)));
      else if (path.length === 0) last = data;
    }
    expect(nodes).toEqual([
      "begin",
      "remember/extract",
      "remember/retrieve",
      "remember/manage",
      "remember/apply",
      "remember",
    ]);
    expect(last).toMatchObject({ steps: [{ changes: [{ event: "ADD", after: { text: "a fact" } }] }] });
  });

  test("the event stream carries the memory step as a custom event", async () => {
    const { graph } = manager(new ScriptedModel(add("a fact")));
    const names: string[] = [];
    for await (const { event, name } of graph.streamEvents(
      { turn: turn("D1:1", "a fact") },
      { ...config, version: "v2" },
    ))
      if (event === "on_custom_event") names.push(name);
    expect(names).toEqual(["memory-r1:memory_step"]);
  });
});

describe("time travel", () => {
  async function checkpointBefore(graph: ReturnType<typeof manager>["graph"], node: string) {
    for await (const state of graph.getStateHistory(config)) if (state.next[0] === node) return state.config;
    throw new Error(`no checkpoint before ${node}`);
  }

  test("a run again from before `apply` makes the same changes under the same keys", async () => {
    const { graph, store } = manager(new ScriptedModel(add("a fact")));
    const first = await graph.invoke({ turn: turn("D1:1", "a fact") }, config);
    const again = await graph.invoke(null, await checkpointBefore(graph, "apply"));
    expect(again.step).toEqual(first.step);
    expect(await texts(store)).toEqual(["a fact"]);
  });

  test("a run again from before `manage` asks the model anew, and what it adds now takes the place of what it added then", async () => {
    const replies = [add("a fact"), add("another fact")];
    const { graph, store } = manager(new ScriptedModel(() => replies.shift()!));
    const first = await graph.invoke({ turn: turn("D1:1", "a fact") }, config);
    const again = await graph.invoke(null, await checkpointBefore(graph, "manage"));
    expect(again.step!.changes[0]!.key).toBe(first.step!.changes[0]!.key);
    expect(await texts(store)).toEqual(["another fact"]);
  });

  test("the store is not rolled back: a run again from the start sees what the first one wrote", async () => {
    const replies = [add("a fact"), operations({ event: "NOOP", id: "m1" })];
    const { graph, store } = manager(new ScriptedModel(() => replies.shift()!));
    await graph.invoke({ turn: turn("D1:1", "a fact") }, config);
    const again = await graph.invoke(null, await checkpointBefore(graph, "extract"));
    expect(again.step).toMatchObject({ retrieved: [{ alias: "m1", text: "a fact" }], changes: [] });
    expect(await texts(store)).toEqual(["a fact"]);
  });
});
