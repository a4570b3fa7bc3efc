import { AIMessage } from "@langchain/core/messages";
import { InMemoryStore, type Operation as StoreOperation } from "@langchain/langgraph";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { StoreError, UsageError } from "../../../src/errors.js";
import { MemoryBank } from "../../../src/memory/bank/bank.js";
import { HISTORY_ROOT } from "../../../src/memory/bank/history.js";
import { withAliases } from "../../../src/memory/bank/retrieve.js";
import { createMemoryManager } from "../../../src/memory/manager.js";
import { ScriptedModel } from "../scripted-model.js";

/** Fails from the n-th write on, as a machine that loses its power; a batch of several puts may be half written. */
class FailingStore extends InMemoryStore {
  writesLeft = Number.POSITIVE_INFINITY;
  half = false;

  override async batch<Op extends readonly StoreOperation[]>(operations: Op) {
    const writes = operations.some((operation) => "value" in operation);
    if (!writes || this.writesLeft-- > 0) return super.batch(operations);
    if (this.half) await super.batch(operations.slice(0, Math.ceil(operations.length / 2)));
    throw new StoreError({ what: "no power", remedy: "wait" });
  }
}

let store: FailingStore;
let minutes: number;
const now = () => new Date(Date.UTC(2024, 0, 1, 0, minutes));
const at = (minute: number) => new Date(Date.UTC(2024, 0, 1, 0, minute, 30));

function newBank(onto = store): MemoryBank {
  let ids = 0;
  const run = Math.random().toString(36).slice(2, 6);
  return new MemoryBank({ store: onto, namespace: ["bank"], history: true, id: () => `${run}-${ids++}`, now });
}

beforeEach(() => {
  store = new FailingStore();
  minutes = 0;
});

const turn = (id: string) => ({ id, speaker: "Ana", text: "…", time: `${id} May` });
const add = (text: string) => ({ event: "ADD" as const, text });
const texts = (memories: readonly { value: { text: string } }[]) => memories.map(({ value }) => value.text);

/** Oslo, then Rome in its place and a dog, then no dog. One minute between the turns. */
async function lived(bank = newBank()): Promise<MemoryBank> {
  await bank.apply([add("Ana lives in Oslo")], [], turn("1"), { key: () => "home", provenance: { source: "chat 1" } });
  minutes += 1;
  const retrieved = withAliases(await bank.list());
  await bank.apply(
    [{ event: "UPDATE", id: "m1", text: "Ana lives in Rome" }, add("Ana has a dog")],
    retrieved,
    turn("2"),
    {
      key: () => "dog",
      provenance: { step: "step 2", source: "chat 2", call: "call 2", policyVersion: "base@1", probability: 0.25 },
    },
  );
  minutes += 1;
  const dog = withAliases((await bank.list()).filter(({ key }) => key === "dog"));
  await bank.apply([{ event: "DELETE", id: "m1" }], dog, turn("3"), { provenance: { source: "chat 2" } });
  minutes += 1;
  return bank;
}

describe("the history of a bank", () => {
  test("tells of each memory what was changed, from what to what, by which turn and policy", async () => {
    const bank = await lived();
    const home = await bank.history({ key: "home" });
    expect(home.map(({ event, before, after, turn: by }) => [event, before?.text, after?.text, by])).toEqual([
      ["ADD", undefined, "Ana lives in Oslo", "1"],
      ["UPDATE", "Ana lives in Oslo", "Ana lives in Rome", "2"],
    ]);
    expect(home[1]).toMatchObject({
      step: "step 2",
      source: "chat 2",
      call: "call 2",
      policyVersion: "base@1",
      probability: 0.25,
      at: "2024-01-01T00:01:00.000Z",
      applied: true,
      rewards: {},
    });
    expect((await bank.history()).map(({ event }) => event)).toEqual(["ADD", "UPDATE", "ADD", "DELETE"]);
    expect(await bank.history({ turn: "2", key: "dog" })).toHaveLength(1);
  });

  test("takes the reward of a step when it is known", async () => {
    const bank = await lived();
    await bank.reward("step 2", "exact-match", 1);
    await bank.reward("step 2", "f1", 0.5);
    const rewarded = (await bank.history()).filter(({ rewards }) => Object.keys(rewards).length > 0);
    expect(rewarded.map(({ key }) => key)).toEqual(["home", "dog"]);
    expect(rewarded[0]!.rewards).toEqual({ "exact-match": 1, f1: 0.5 });
  });

  test("refuses a reward that is no finite number, and stays readable", async () => {
    const bank = await lived();
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
      await expect(bank.reward("step 2", "f1", value)).rejects.toThrow(UsageError);
    expect((await bank.history({ step: "step 2" }))[0]!.rewards).toEqual({});
  });

  test("keeps time and reward of a step that runs again", async () => {
    const bank = await lived();
    await bank.reward("step 2", "f1", 1);
    const before = await bank.history({ step: "step 2" });
    minutes += 5;
    const retrieved = withAliases(await bank.list());
    const again = [{ event: "UPDATE" as const, id: "m1", text: "Ana lives in Rome" }, add("Ana has a dog")];
    await bank.apply(again, retrieved, turn("2"), { key: () => "dog", provenance: { step: "step 2" } });
    const after = await bank.history({ step: "step 2" });
    const kept = ({ at: time, sequence, rewards }: (typeof before)[number]) => ({ time, sequence, rewards });
    expect(after.map(kept)).toEqual(before.map(kept));
  });

  test("gives the bank as it stood at any time", async () => {
    const bank = await lived();
    expect(texts(await bank.asOf(at(-1)))).toEqual([]);
    expect(texts(await bank.asOf(at(0)))).toEqual(["Ana lives in Oslo"]);
    expect(texts(await bank.asOf(at(1)))).toEqual(["Ana has a dog", "Ana lives in Rome"]);
    expect(texts(await bank.asOf(at(2)))).toEqual(["Ana lives in Rome"]);
  });

  test("lies beside the bank, and is no part of what a search of the bank reads", async () => {
    const bank = await lived();
    expect(await store.search(["bank"])).toHaveLength(1);
    expect(await store.search([HISTORY_ROOT, "bank"])).toHaveLength(4);
    expect(texts(await bank.retrieve("Rome", { limit: 5 }))).toEqual(["Ana lives in Rome"]);
  });

  test("is not kept, and not asked for, where the bank was made without it", async () => {
    const bank = new MemoryBank({ store, namespace: ["plain"] });
    await bank.apply([add("x")], [], turn("1"));
    expect(await store.listNamespaces()).toEqual([["plain"]]);
    for (const asked of [bank.history(), bank.undo({ turn: "1" }), bank.asOf(now()), bank.reward("s", "f1", 1)])
      await expect(asked).rejects.toThrow(UsageError);
  });
});

test("a process whose clock is behind goes on after what the one before it wrote", async () => {
  minutes = 60;
  await newBank().apply([add("Ana lives in Oslo")], [], turn("1"), { key: () => "home" });
  minutes = 0;
  // A new process has modules of its own.
  vi.resetModules();
  const { MemoryBank: NewBank } = await import("../../../src/memory/bank/bank.js");
  const bank = new NewBank({ store, namespace: ["bank"], history: true, now });
  await bank.apply(
    [{ event: "UPDATE", id: "m1", text: "Ana lives in Rome" }],
    withAliases(await bank.list()),
    turn("2"),
  );
  expect((await bank.history()).map(({ event }) => event)).toEqual(["ADD", "UPDATE"]);
  await expect(bank.undo({ turn: "1" })).rejects.toThrow("changed again since");
  await bank.undo({ turn: "2" });
  expect(texts(await bank.list())).toEqual(["Ana lives in Oslo"]);
});

describe("undo", () => {
  test("of a turn brings back what the turn changed, and can be undone itself", async () => {
    const bank = await lived();
    await expect(bank.undo({ turn: "2" })).rejects.toThrow(/changed again since.*DELETE of dog by 3/);
    expect(texts(await bank.list())).toEqual(["Ana lives in Rome"]);
    const [back] = await bank.undo({ turn: "3" });
    expect(back).toMatchObject({ event: "ADD", key: "dog" });
    expect(texts(await bank.list())).toEqual(["Ana has a dog", "Ana lives in Rome"]);
    const changes = await bank.undo({ turn: "2" });
    expect(changes.map(({ event, key }) => [event, key])).toEqual([
      ["UPDATE", "home"],
      ["DELETE", "dog"],
    ]);
    expect(texts(await bank.list())).toEqual(["Ana lives in Oslo"]);
    const [undoing] = (await bank.history()).slice(-2);
    await bank.undo({ step: undoing!.step });
    expect(texts(await bank.list())).toEqual(["Ana has a dog", "Ana lives in Rome"]);
  });

  test("of a source takes back all that came from it", async () => {
    const bank = await lived();
    await bank.undo({ source: "chat 2" });
    expect(texts(await bank.list())).toEqual(["Ana lives in Oslo"]);
    expect((await bank.list())[0]!.value).toMatchObject({ source: "1", order: 0, time: "1 May" });
    expect(await bank.undo({ source: "chat 2" })).toEqual([]);
    await bank.undo({ source: "chat 1" });
    expect(await bank.list()).toEqual([]);
    expect(texts(await bank.asOf(at(1)))).toEqual(["Ana has a dog", "Ana lives in Rome"]);
  });

  test("of everything stays, also where a part of it had been undone before", async () => {
    const bank = await lived();
    const [, moved] = await bank.history({ key: "home" });
    await bank.undo({ id: moved!.id });
    await bank.undo({ key: "home" });
    expect(await bank.list()).toEqual([]);
    expect(await bank.undo({ id: moved!.id })).toEqual([]);
    const last = (await bank.history({ key: "home" })).at(-1)!;
    await bank.undo({ step: last.step });
    expect(texts((await bank.list()).filter(({ key }) => key === "home"))).toEqual(["Ana lives in Oslo"]);
  });

  test("of one change leaves the others of its turn", async () => {
    const bank = await lived();
    const [change] = await bank.history({ key: "home", turn: "2" });
    await bank.undo({ id: change!.id });
    expect(texts(await bank.list())).toEqual(["Ana lives in Oslo"]);
  });
});

describe("a crash between any two writes of a step", () => {
  for (const half of [false, true])
    for (const writes of [0, 1, 2])
      test(`after ${writes} writes${half ? " and half of the next" : ""} leaves the step whole or not begun`, async () => {
        const bank = newBank();
        await bank.apply([add("Ana lives in Oslo"), add("Ana has a dog")], [], turn("1"));
        const before = await bank.list();
        store.writesLeft = writes;
        store.half = half;
        const operations = [
          { event: "UPDATE" as const, id: "m1", text: "Ana lives in Rome" },
          { event: "DELETE" as const, id: "m2" },
          add("Ana has a cat"),
          add("Ana sails"),
        ];
        await expect(bank.apply(operations, withAliases(before), turn("2"))).rejects.toThrow("no power");
        store.writesLeft = Number.POSITIVE_INFINITY;
        // A new process knows nothing of this one's stores; the same one must do as well.
        const restarted = Object.assign(new FailingStore(), { data: Reflect.get(store, "data") });
        for (const after of [newBank(restarted), bank]) {
          const whole = writes > 0 ? ["Ana lives in Rome", "Ana has a cat", "Ana sails"] : texts(before);
          expect(texts(await after.list()).sort()).toEqual([...whole].sort());
          const entries = await after.history();
          expect(entries.every(({ applied }) => applied)).toBe(true);
          expect(entries.filter((entry) => entry.turn === "2")).toHaveLength(writes > 0 ? 4 : 0);
        }
      });

  test("and then the same step again is the step once", async () => {
    const bank = newBank();
    store.writesLeft = 1;
    const options = { key: (at: number) => `k${at}`, order: 0, provenance: { step: "s" } };
    await expect(bank.apply([add("one"), add("two")], [], turn("1"), options)).rejects.toThrow("no power");
    store.writesLeft = Number.POSITIVE_INFINITY;
    await newBank().apply([add("one"), add("two")], [], turn("1"), options);
    expect(texts(await bank.list())).toEqual(["one", "two"]);
    expect(await bank.history()).toHaveLength(2);
  });
});

test("a reward waits for a step that is being written: neither undoes what the other one writes", async () => {
  const bank = newBank();
  const [, first, second] = [
    bank.apply([{ event: "ADD", text: "one" }], [], turn("1"), { provenance: { step: "s" } }),
    bank.reward("s", "f1", 1),
    bank.reward("s", "exact-match", 0),
  ];
  await Promise.all([first, second]);
  expect(await bank.history()).toMatchObject([{ applied: true, rewards: { f1: 1, "exact-match": 0 } }]);
});

test("the graph's manager tells the history its step, its thread and the policy that decided", async () => {
  const reply = new AIMessage({
    content: '{"operations":[{"event":"ADD","text":"Ana sails"}]}',
    response_metadata: { policy_version: "tiny@3", response_logprobs: [Math.log(0.5), Math.log(0.5)] },
  });
  const manager = createMemoryManager({
    store,
    namespace: ["bank"],
    history: true,
    manager: new ScriptedModel(() => reply),
  });
  const input = { ...turn("1"), facts: ["Ana sails"] };
  const { step } = await manager.compile().invoke({ turn: input }, { configurable: { thread_id: "t1" } });
  const [entry] = await newBank().history({ source: "t1" });
  expect(entry).toMatchObject({ step: step!.id, turn: "1", call: step!.callId, policyVersion: "tiny@3" });
  expect(entry!.probability).toBeCloseTo(0.25, 12);
});
