import { InMemoryStore, MemorySaver } from "@langchain/langgraph";
import { expect, test } from "vitest";
import { z } from "zod";
import { UsageError } from "../../src/errors.js";
import { addOnly, noop } from "../../src/memory/controls.js";
import { createMemoryManager } from "../../src/memory/manager.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { managerState } from "../../src/memory/state.js";
import { LetterEmbeddings } from "./letter-embeddings.js";
import { lastText, operations, ScriptedModel } from "./scripted-model.js";

const namespace = ["memories", "test"];
const config = { configurable: { thread_id: "t1" } };

function indexedStore() {
  return new InMemoryStore({ index: { dims: 64, embeddings: new LetterEmbeddings() } });
}

function turn(id: string, ...facts: string[]) {
  return { id, speaker: "Ana", text: facts.join(". "), time: "7 May 2023", facts };
}

async function texts(store: InMemoryStore, where: string[] = namespace) {
  const items = await store.search(where, { limit: 100 });
  return items.map((item) => item.value.text as string).sort();
}

test("a model's operations reach the store, and the step tells each change with before and after", async () => {
  const store = indexedStore();
  const script = [
    operations({ event: "ADD", text: "Ana lives in Oslo" }, { event: "ADD", text: "Ana has a cat" }),
    operations(
      { event: "UPDATE", id: "m1", text: "Ana lives in Bergen" },
      { event: "DELETE", id: "m2" },
      { event: "NOOP" },
    ),
  ];
  const graph = createMemoryManager({ model: new ScriptedModel(() => script.shift()!), store, namespace }).compile();
  const first = await graph.invoke({ turn: turn("D1:1", "Ana lives in Oslo", "Ana has a cat") });
  const second = await graph.invoke({ turn: turn("D2:1", "Ana lives now in Bergen") });
  expect(await texts(store)).toEqual(["Ana lives in Bergen"]);
  const [added] = first.step!.changes;
  expect(second.step).toMatchObject({
    unparsable: null,
    retrieved: [
      { alias: "m1", key: added!.key, text: "Ana lives in Oslo" },
      { alias: "m2", text: "Ana has a cat" },
    ],
    changes: [
      {
        event: "UPDATE",
        key: added!.key,
        before: { text: "Ana lives in Oslo", source: "D1:1", order: 0 },
        after: { text: "Ana lives in Bergen", speaker: "Ana", time: "7 May 2023", source: "D2:1", order: 1 },
      },
      { event: "DELETE", before: { text: "Ana has a cat" }, after: null },
    ],
  });
});

test("unparsable output changes nothing and is recorded with its reason", async () => {
  const store = indexedStore();
  const graph = createMemoryManager({ model: new ScriptedModel("I would add this one."), store, namespace }).compile();
  const { step } = await graph.invoke({ turn: turn("D1:1", "Ana lives in Oslo") });
  expect(step).toMatchObject({ unparsable: "no JSON object", operations: [], changes: [] });
  expect(await texts(store)).toEqual([]);
});

test("the extractor finds the facts of a turn that comes without them", async () => {
  const store = indexedStore();
  const extractor = new ScriptedModel('{"facts":["Ana lives in Oslo"]}');
  const manager = new ScriptedModel(operations({ event: "ADD", text: "Ana lives in Oslo" }));
  const graph = createMemoryManager({ extractor, manager, store, namespace, prompts: compactPrompts }).compile();
  const { step } = await graph.invoke({
    turn: { id: "D1:1", speaker: "Ana", text: "I live in Oslo!", time: "7 May 2023" },
  });
  expect(extractor.asked[0]!.map((message) => message.text)).toEqual(["extract", "7 May 2023 Ana: I live in Oslo!"]);
  expect(step!.facts).toEqual(["Ana lives in Oslo"]);
  expect(await texts(store)).toEqual(["Ana lives in Oslo"]);
});

test("a turn without facts asks no manager, and leaves a step without a model call", async () => {
  const manager = new ScriptedModel("unused");
  const graph = createMemoryManager({ manager, store: indexedStore(), namespace }).compile();
  const { step } = await graph.invoke({ turn: turn("D1:1") });
  expect(manager.asked).toEqual([]);
  expect(step).toMatchObject({ facts: [], retrieved: [], changes: [], unparsable: null });
  expect(step).not.toHaveProperty("callId");
});

test("a step without facts shows nothing of the thread's step before it", async () => {
  const graph = createMemoryManager({ decide: addOnly, store: indexedStore(), namespace }).compile({
    checkpointer: new MemorySaver(),
  });
  await graph.invoke({ turn: turn("D1:1", "Ana lives in Oslo") }, config);
  await graph.invoke({ turn: turn("D1:2", "Ana likes Oslo") }, config);
  const { step } = await graph.invoke({ turn: turn("D1:3") }, config);
  expect(step).toMatchObject({ turn: { id: "D1:3" }, facts: [], retrieved: [], operations: [], changes: [] });
});

test("the controls decide without a model", async () => {
  for (const [decide, expected] of [
    [addOnly, ["a fact", "another fact"]],
    [noop, []],
  ] as const) {
    const store = indexedStore();
    const graph = createMemoryManager({ decide, store, namespace }).compile();
    await graph.invoke({ turn: turn("D1:1", "a fact", "another fact") });
    expect(await texts(store)).toEqual(expected);
  }
});

test("the store comes from the runtime where none is given, one write for each step", async () => {
  const store = indexedStore();
  const graph = createMemoryManager({ decide: addOnly }).compile({ store });
  await graph.invoke({ turn: turn("D1:1", "a fact", "another fact") }, { configurable: { thread_id: "a.b" } });
  await graph.invoke({ turn: turn("D1:1", "a fact of Bo") }, { configurable: { thread_id: "x", user_id: "bo" } });
  expect(await texts(store, ["memories", "thread", "a%2Eb"])).toEqual(["a fact", "another fact"]);
  expect(await texts(store, ["memories", "user", "bo"])).toEqual(["a fact of Bo"]);
});

test("what is missing is said: store, namespace, model", async () => {
  const input = { turn: turn("D1:1", "a fact") };
  const store = indexedStore();
  const bare = createMemoryManager({ decide: addOnly }).compile();
  await expect(bare.invoke(input, config)).rejects.toThrow(/compile\(\{ store \}\)/);
  await expect(createMemoryManager({ decide: addOnly, store }).compile().invoke(input)).rejects.toThrow(UsageError);
  await expect(createMemoryManager({ store }).compile().invoke(input, config)).rejects.toThrow(/manager has no model/);
  const dotted = createMemoryManager({ decide: addOnly, store, namespace: ["a.b"] }).compile();
  await expect(dotted.invoke(input, config)).rejects.toThrow(/cannot be used.*"a\.b"/);
});

test("an id that is no text is refused, rather than another bank taken", async () => {
  const graph = createMemoryManager({ decide: addOnly, store: indexedStore() }).compile();
  for (const user_id of [42, "", { id: "ana" }]) {
    const run = graph.invoke({ turn: turn("D1:1", "a fact") }, { configurable: { user_id, thread_id: "t1" } });
    await expect(run).rejects.toThrow("config.configurable.user_id: an id cannot name a bank");
  }
});

test("an id that is no well-formed text, and a fact that says nothing, are refused by name before anything is decided", async () => {
  const graph = createMemoryManager({ decide: addOnly, store: indexedStore() }).compile();
  const broken = graph.invoke({ turn: turn("D1:1", "a fact") }, { configurable: { user_id: "ana\ud800" } });
  await expect(broken).rejects.toThrow(UsageError);
  await expect(broken).rejects.toThrow("ana\\ud800");
  for (const fact of ["", " \n"])
    await expect(graph.invoke({ turn: turn("D1:1", "a fact", fact) }, config)).rejects.toThrow(
      /"turn",\s*"facts",\s*1/,
    );
});

test("a turn has the place that it is given, and its facts may all be added, however many they are", async () => {
  const facts = Array.from({ length: 12 }, (_, index) => `fact ${index}`);
  const manager = new ScriptedModel(operations(...facts.map((_, at) => ({ event: "ADD", fact: `f${at + 1}` }))));
  const graph = createMemoryManager({ manager, store: indexedStore(), namespace }).compile();
  const { step } = await graph.invoke({ turn: { ...turn("D1:7", ...facts), order: 6 } }, config);
  expect(step!.unparsable).toBeNull();
  expect(step!.changes.map(({ after }) => after!.order)).toEqual(facts.map(() => 6));
  expect(step!.turn).not.toHaveProperty("order");
  const strict = createMemoryManager({ manager, store: indexedStore(), namespace, maxOperations: 8 }).compile();
  expect((await strict.invoke({ turn: turn("D1:8", ...facts) }, config)).step!.unparsable).toMatch(/at most 8/);
});

test("an extended state gives the graph channels of the caller's own", async () => {
  const state = managerState.extend({ mood: z.string().optional() });
  const graph = createMemoryManager({ decide: addOnly, store: indexedStore(), namespace }, state)
    .addNode("feel", () => ({ mood: "glad" }))
    .addEdge("apply", "feel")
    .compile();
  const result = await graph.invoke({ turn: turn("D1:1", "a fact"), mood: "calm" });
  expect(result.mood).toBe("glad");
  expect(result.step!.changes).toHaveLength(1);
});

test("memories of another speaker are neither shown to nor changed by a turn", async () => {
  const store = indexedStore();
  const model = new ScriptedModel(operations({ event: "ADD", text: "a fact" }));
  const graph = createMemoryManager({ model, store, namespace, prompts: compactPrompts }).compile();
  await graph.invoke({ turn: { ...turn("D1:1", "a fact"), speaker: "Bo" } });
  const { step } = await graph.invoke({ turn: turn("D1:2", "a fact") });
  expect(step!.retrieved).toEqual([]);
  expect(lastText(model.asked[1]!)).toBe("Facts (Ana, 7 May 2023):\n- a fact\nMemories:\n(none)");
});
