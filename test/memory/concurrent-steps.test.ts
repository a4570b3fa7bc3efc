import type { BaseMessage } from "@langchain/core/messages";
import { Command, InMemoryStore, isInterrupted, MemorySaver } from "@langchain/langgraph";
import { expect, test } from "vitest";
import { ConflictError } from "../../src/errors.js";
import type { DeleteRequest } from "../../src/memory/approval.js";
import { MemoryBank } from "../../src/memory/bank/bank.js";
import { withAliases } from "../../src/memory/bank/retrieve.js";
import { addOnly, type Decide } from "../../src/memory/controls.js";
import { createMemoryGraph } from "../../src/memory/graph.js";
import { createMemoryManager } from "../../src/memory/manager.js";
import { createMemoryTools } from "../../src/memory/tools.js";
import { replayBanks } from "../../src/replay/replay.js";
import type { EpisodeEvent } from "../../src/trace/episode.js";
import { EpisodeRecorder } from "../../src/trace/recorder.js";
import { operations, ScriptedModel } from "./scripted-model.js";

const namespace = ["memories", "ana"];
const turn = (id: string, ...facts: string[]) => ({ id, speaker: "user", text: "…", time: `${id} May`, facts });

/** Adds to the memory that it is shown; forgets it where there is nothing to add. */
const extend: Decide = ({ facts, retrieved: [memory] }) => {
  if (memory === undefined) return facts.map((text) => ({ event: "ADD", text }));
  if (facts[0] === "gone") return [{ event: "DELETE", id: "m1" }];
  return [{ event: "UPDATE", id: "m1", text: `${memory.text}, ${facts[0]}` }];
};

/** A bank with one memory, whatever is done to it recorded. */
async function world(history = false) {
  const store = new InMemoryStore();
  const events: EpisodeEvent[] = [];
  const recorder = new EpisodeRecorder({ write: (line) => void events.push(JSON.parse(line)) });
  const config = { callbacks: [recorder] };
  const options = { store, namespace, history };
  await createMemoryManager({ ...options, decide: addOnly })
    .compile()
    .invoke({ turn: turn("0", "a dog") }, config);
  const bank = new MemoryBank(options);
  const texts = async () => (await bank.list()).map(({ value }) => value.text);
  const replay = async () => {
    for await (const _ of replayBanks(events));
  };
  return { options, config, bank, texts, replay };
}

test("calls of `record_turn` at one time keep what each of them tells", async () => {
  const { options, config, texts, replay } = await world();
  const [, record] = createMemoryTools({ ...options, decide: extend });
  const said = await Promise.all(["a cat", "a parrot"].map((fact) => record!.invoke({ facts: [fact] }, config)));
  expect(said).toEqual(["UPDATE: a dog, a cat", "UPDATE: a dog, a cat, a parrot"]);
  expect(await texts()).toEqual(["a dog, a cat, a parrot"]);
  await replay();
});

test.each([
  ["gone", "a cat", ["a cat"]],
  ["a cat", "a parrot", ["a dog, a cat, a parrot"]],
])("of runs at one time, %j and %j, the later one decides anew", async (first, second, expected) => {
  for (const history of [false, true]) {
    const { options, config, texts, replay } = await world(history);
    const manager = createMemoryManager({ ...options, decide: extend }).compile();
    const turns = [turn("1", first), turn("2", second)];
    await Promise.all(turns.map((one) => manager.invoke({ turn: one }, config)));
    expect(await texts()).toEqual(expected);
    await replay();
  }
});

test("a memory that always changes between the look and the write ends the run with a ConflictError, and nothing is written", async () => {
  const { options, bank, texts } = await world();
  let changes = 0;
  const decide: Decide = (input) => {
    const [{ alias: _, ...memory }] = input.retrieved as [(typeof input.retrieved)[number]];
    const { key, ...before } = memory;
    // `decide` cannot wait: an InMemoryStore has written before it returns its promise.
    void bank.write([{ event: "UPDATE", key, before, after: { ...before, text: `changed ${++changes}` } }]);
    return extend(input);
  };
  const manager = createMemoryManager({ ...options, decide }).compile();
  await expect(manager.invoke({ turn: turn("1", "a cat") })).rejects.toThrow(ConflictError);
  expect(changes).toBe(5);
  expect(await texts()).toEqual(["changed 5"]);
  const [memory] = withAliases(await bank.list());
  const stale = bank.apply([{ event: "DELETE", id: "m1" }], [{ ...memory!, text: "a dog" }], turn("2"));
  await expect(stale).rejects.toThrow(/DELETE of a memory that was changed.*expected.*a dog.*found.*changed 5.*again/);
});

test("decisions anew do not count against the limit of the run that a turn belongs to", async () => {
  const { options, bank, texts } = await world();
  let decisions = 0;
  const decide: Decide = (input) => {
    const [{ alias: _, ...memory }] = input.retrieved as [(typeof input.retrieved)[number]];
    const { key, ...before } = memory;
    if (++decisions < 5) {
      void bank.write([{ event: "UPDATE", key, before, after: { ...before, text: `changed ${decisions}` } }]);
    }
    return extend(input);
  };
  const graph = createMemoryGraph({ ...options, decide }).compile();
  await graph.invoke({ turns: [turn("1", "a cat")] }, { recursionLimit: 4 });
  expect(decisions).toBe(5);
  expect(await texts()).toEqual(["changed 4, a cat"]);
});

test("who is asked to approve a deletion is asked again where the memory says something else by then", async () => {
  const { options, texts, config: callbacks, replay } = await world(true);
  const model = new ScriptedModel(operations({ event: "DELETE", id: "m1" }));
  const graph = createMemoryGraph({ ...options, model, approveDeletes: true }).compile({
    checkpointer: new MemorySaver(),
  });
  const config = { ...callbacks, configurable: { thread_id: "A" } };
  const asked = (result: unknown) => {
    if (!isInterrupted<DeleteRequest>(result)) throw new Error("nobody was asked");
    return result.__interrupt__[0]!.value!.memory.text;
  };
  expect(asked(await graph.invoke({ turns: [turn("1", "gone")] }, config))).toBe("a dog");
  // A run that waits for an answer lets others go on.
  const other = createMemoryGraph({ ...options, decide: extend }).compile();
  await other.invoke({ turns: [turn("2", "two rabbits")] }, callbacks);
  expect(asked(await graph.invoke(new Command({ resume: true }), config))).toBe("a dog, two rabbits");
  expect(await texts()).toEqual(["a dog, two rabbits"]);
  const { steps } = await graph.invoke(new Command({ resume: true }), config);
  expect(steps.map(({ changes }) => changes.map(({ before }) => before!.text))).toEqual([["a dog, two rabbits"]]);
  expect(await texts()).toEqual([]);
  await replay();
});

test("the second of two approved deletions of one memory decides anew", async () => {
  const { options, config, replay } = await world(true);
  const approving = { ...options, decide: extend, approveDeletes: true };
  const graph = createMemoryGraph(approving).compile({ checkpointer: new MemorySaver() });
  const thread = (id: string) => ({ ...config, configurable: { thread_id: id } });
  await graph.invoke({ turns: [turn("1", "gone")] }, thread("a"));
  await graph.invoke({ turns: [turn("2", "gone")] }, thread("b"));
  await graph.invoke(new Command({ resume: true }), thread("a"));
  const { steps } = await graph.invoke(new Command({ resume: true }), thread("b"));
  // Nothing is left that it could forget: the manager notes down what it heard.
  expect(steps.at(-1)!.changes).toMatchObject([{ event: "ADD" }]);
  await replay();
});

/** Replies once it is released. */
class HeldModel extends ScriptedModel {
  release = () => {};
  readonly #released = new Promise<void>((resolve) => {
    this.release = resolve;
  });
  isAsked = () => {};
  readonly asking = new Promise<void>((resolve) => {
    this.isAsked = resolve;
  });

  override async _generate(messages: BaseMessage[]) {
    this.isAsked();
    await this.#released;
    return super._generate(messages);
  }
}

test("an undo waits for a step under way, so that a replay fits", async () => {
  const { options, config, bank, texts, replay } = await world(true);
  const manager = new HeldModel(operations({ event: "UPDATE", id: "m1", text: "a dog, a cat" }));
  const graph = createMemoryGraph({ ...options, manager }).compile();
  const step = graph.invoke({ turns: [turn("1", "a cat")] }, config);
  await manager.asking;
  const undone = bank.undo({ turn: "1" }, config);
  manager.release();
  await Promise.all([step, undone]);
  expect(await texts()).toEqual(["a dog"]);
  await replay();
});
