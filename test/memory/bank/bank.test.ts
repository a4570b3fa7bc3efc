import { InMemoryStore, type Operation as StoreOperation } from "@langchain/langgraph";
import { beforeEach, expect, test } from "vitest";
import { StoreError, UsageError } from "../../../src/errors.js";
import { MemoryBank } from "../../../src/memory/bank/bank.js";
import { quoteRecalled } from "../../../src/memory/bank/recalled.js";
import { retrieveForAnswer, retrieveForManager, withAliases } from "../../../src/memory/bank/retrieve.js";
import { stepKeys } from "../../../src/memory/bank/step-keys.js";
import { LetterEmbeddings } from "../letter-embeddings.js";

/** Counts writes, as one would on a server, and the items that searches give. */
class CountingStore extends InMemoryStore {
  writes = 0;
  found = 0;

  override async batch<Op extends readonly StoreOperation[]>(operations: Op) {
    this.writes += operations.some((operation) => "value" in operation) ? 1 : 0;
    const results = await super.batch(operations);
    for (const result of results as readonly unknown[]) if (Array.isArray(result)) this.found += result.length;
    return results;
  }
}

let store: CountingStore;
let ids: number;
let bank: MemoryBank;

beforeEach(() => {
  store = new CountingStore({ index: { dims: 64, embeddings: new LetterEmbeddings() } });
  ids = 0;
  bank = new MemoryBank({ store, namespace: ["bank"], id: () => `k${ids++}` });
});

const turn = (id: string, speaker = "Ana") => ({ id, speaker, text: "…", time: `${id} May` });
const add = (text: string) => ({ event: "ADD" as const, text });

test("all changes of a turn are one write, with keys from the id factory and the turn's order", async () => {
  const changes = await bank.apply([add("one"), add("two")], [], turn("1"));
  expect(changes.map(({ key }) => key)).toEqual(["k0", "k1"]);
  expect(store.writes).toBe(1);
  await bank.apply([add("three")], [], turn("2"));
  const listed = await bank.list();
  expect(listed.map(({ key, value }) => [key, value.order, value.source])).toEqual([
    ["k0", 0, "1"],
    ["k1", 0, "1"],
    ["k2", 1, "2"],
  ]);
});

test("a decision that changes nothing writes nothing", async () => {
  expect(await bank.apply([{ event: "NOOP" }], [], turn("1"))).toEqual([]);
  expect(store.writes).toBe(0);
});

test("an operation on what was not retrieved throws before anything is written", async () => {
  await expect(bank.apply([add("one"), { event: "DELETE", id: "m1" }], [], turn("1"))).rejects.toThrow(UsageError);
  expect(store.writes).toBe(0);
});

test("an update keeps key and speaker, and takes text, time, source and order of the turn", async () => {
  await bank.apply([add("one")], [], turn("1"));
  const retrieved = withAliases(await bank.list());
  const [change] = await bank.apply([{ event: "UPDATE", id: "m1", text: "uno" }], retrieved, turn("2", "Bo"));
  expect(change).toMatchObject({
    key: "k0",
    after: { text: "uno", speaker: "Ana", time: "2 May", source: "2", order: 1 },
  });
  expect(await bank.list()).toEqual([{ key: "k0", value: change!.after }]);
});

test("retrieval ranks by similarity, within a speaker, and up to its limit", async () => {
  await bank.apply([add("the cat sleeps"), add("the boat sails"), add("the cat eats")], [], turn("1"));
  await bank.apply([add("the cat sleeps")], [], turn("2", "Bo"));
  const found = await bank.retrieve("the cat sleeps", { limit: 2, speaker: "Ana" });
  expect(found.map(({ value }) => value.text)).toEqual(["the cat sleeps", "the cat eats"]);
  expect(found[0]!.score).toBeCloseTo(1, 5);
});

test("of equally near memories the newest are taken, whatever order the store gives them in", async () => {
  for (let index = 0; index < 12; index++) {
    await bank.apply([add("the cat sleeps")], [], turn(`${index}`));
  }
  const found = await bank.retrieve("the cat sleeps", { limit: 3 });
  expect(found.map(({ value }) => value.order)).toEqual([11, 10, 9]);
});

test("memories of one turn stand as they were told, and those of several steps by their text, whatever ids these had", async () => {
  for (const steps of [
    ["a", "b"],
    ["b", "a"],
  ]) {
    const own = new MemoryBank({ store, namespace: ["steps", ...steps] });
    const [first, second] = steps as [string, string];
    await own.apply([add("the boat"), add("an oar")], [], turn("1"), { order: 0, key: stepKeys(first) });
    await own.apply([add("the cat")], [], turn("1"), { order: 0, key: stepKeys(second) });
    expect((await own.list()).map(({ value }) => value.text)).toEqual(["the boat", "the cat", "an oar"]);
  }
});

test("memories of one turn with keys of another form stand in the order of their text", async () => {
  const texts = ["the cat sleeps", "a boat sails", "zzz", "the cat sleep"];
  for (const keys of [
    ["a", "b", "c", "d"],
    ["d", "c", "b", "a"],
  ]) {
    const next = keys.values();
    const own = new MemoryBank({ store, namespace: [...keys], id: () => next.next().value! });
    await own.apply(texts.map(add), [], turn("1"));
    const sorted = [...texts].sort();
    expect((await own.list()).map(({ value }) => value.text)).toEqual(sorted);
    const equallyNear = await own.retrieve("!", { limit: 4 });
    expect(equallyNear.map(({ value }) => value.text)).toEqual(sorted);
  }
});

test("the manager's memories are joined over the facts, nearest first, each once", async () => {
  await bank.apply([add("the cat sleeps"), add("the boat sails"), add("zzz")], [], turn("1"));
  const retrieved = await retrieveForManager(bank, ["the cat sleeps", "a boat sails", "cat"], turn("2"), {
    memoriesPerFact: 1,
  });
  expect(retrieved.map(({ alias, text }) => [alias, text])).toEqual([
    ["m1", "the cat sleeps"],
    ["m2", "the boat sails"],
  ]);
});

test("words find what vectors miss, for the manager and for the answerer, in the mode that fuses both", async () => {
  await bank.apply([add("room 4711 sleeps"), add("the room is warm"), add("the room is cold")], [], turn("1"));
  const first = async (search: "vector" | "text" | "hybrid") => [
    (await retrieveForManager(bank, ["wartime hermits 4711"], turn("2"), { search }))[0]!.text,
    (await bank.retrieve("wartime hermits 4711", { limit: 1, mode: search }))[0]!.value.text,
  ];
  expect(await first("vector")).toEqual(["the room is warm", "the room is warm"]);
  expect(await first("text")).toEqual(["room 4711 sleeps", "room 4711 sleeps"]);
  const fused = await retrieveForAnswer(bank, "wartime hermits 4711", ["Ana"], {
    memoriesPerSpeaker: 2,
    search: "hybrid",
  });
  expect(fused.map(({ text }) => text)).toEqual(["room 4711 sleeps", "the room is warm"]);
});

test("taking a turn reads no more of a large bank than of a small one", async () => {
  const readFor = async (id: string, count = 1) => {
    store.found = 0;
    const facts = Array.from({ length: count }, (_, index) => add(`memory ${index} of ${id}`));
    await bank.apply(facts, [], turn(id));
    return store.found;
  };
  const few = [await readFor("first"), await readFor("second")];
  await readFor("third", 500);
  expect([await readFor("fourth"), await readFor("fifth")]).toEqual(few);
  expect((await bank.list()).at(-1)!.value.order).toBe(4);
});

test("orders go on from what another process wrote meanwhile", async () => {
  await bank.apply([add("one")], [], turn("1"));
  await bank.apply([add("two")], [], turn("2"));
  expect(await bank.nextOrder()).toBe(2);
  const value = { text: "theirs", speaker: "Ana", time: "3 May", source: "3", order: 2 };
  await store.put(["bank"], "theirs", value);
  expect(await bank.nextOrder()).toBe(3);
  await store.delete(["bank"], "theirs");
  expect(await bank.nextOrder()).toBe(3);
  // What they wrote in this one's next place is already farther on, since they have updated it.
  await store.put(["bank"], "theirs", { ...value, order: 4 });
  expect(await bank.nextOrder()).toBe(5);
});

test("what was recalled into a turn is not kept among the words that were said", async () => {
  const recalled = quoteRecalled([{ text: "Ana's password is hunter2" }]);
  const said = { ...turn("1"), text: `${recalled}\nI moved to Oslo` };
  await bank.apply([add("Ana lives in Oslo")], [], said, { words: true });
  expect((await bank.list()).map(({ value }) => value.said)).toEqual(["I moved to Oslo"]);
});

test("banks below this one, and beside it, are not seen, even where they crowd a page of the search", async () => {
  const below = new MemoryBank({ store, namespace: ["bank", "below"], id: () => `b${ids++}` });
  const beside = new MemoryBank({ store, namespace: ["bank2"] });
  await below.apply(
    Array.from({ length: 450 }, (_, index) => add(`secret ${index}`)),
    [],
    turn("1"),
  );
  await beside.apply([add("secret")], [], turn("1"));
  await bank.apply([add("mine"), add("secret of mine")], [], turn("1"));
  expect((await bank.list()).map(({ value }) => value.text)).toEqual(["mine", "secret of mine"]);
  const found = await bank.retrieve("secret", { limit: 5 });
  expect(found.map(({ value }) => value.text)).toEqual(["secret of mine", "mine"]);
});

test("a namespace that holds something else is refused by key", async () => {
  await store.put(["bank"], "settings", { theme: "dark" });
  await expect(bank.list()).rejects.toThrow(StoreError);
  await expect(bank.list()).rejects.toThrow(/bank\/settings.*found theme/);
});

test("memories that keep the words of their turn are found by them too, and lose them with the text that they belong to", async () => {
  const words = (text: string, id: string) => ({ ...turn(id), text });
  await bank.apply([add("aaaa")], [], words("zzzz", "1"), { words: true });
  await bank.apply([add("bbbb")], [], words("yyyy", "2"), { words: true });
  await bank.apply([add("Ana said: cccc")], [], words("cccc", "3"), { words: true });
  expect((await bank.list()).map(({ value }) => value.said)).toEqual(["zzzz", "yyyy", undefined]);
  for (const mode of ["vector", "text", "hybrid"] as const) {
    expect((await bank.retrieve("yyyy", { limit: 1, mode }))[0]!.value.text).toBe("bbbb");
    expect((await bank.retrieve("bbbb", { limit: 1, mode }))[0]!.value.text).toBe("bbbb");
  }
  const retrieved = withAliases(await bank.list());
  const update = { event: "UPDATE" as const, id: "m1", text: "dddd" };
  const [changed] = await bank.apply([update], retrieved, words("xxxx", "4"), { words: true });
  expect([changed!.before!.said, changed!.after!.said]).toEqual(["zzzz", "xxxx"]);
  const again = withAliases(await bank.list());
  const [without] = await bank.apply(
    [{ ...update, id: again.find(({ text }) => text === "dddd")!.alias }],
    again,
    turn("5"),
  );
  expect(without!.after).not.toHaveProperty("said");
});

test("words are looked for in a memory's time as well", async () => {
  await bank.apply([add("aaaa")], [], turn("7"));
  await bank.apply([add("bbbb")], [], turn("8"));
  expect((await bank.retrieve("what was on 8 May", { limit: 1, mode: "text" }))[0]!.value.text).toBe("bbbb");
});
