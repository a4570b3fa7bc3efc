import { describe, expect, it } from "vitest";
import { type Conversation, recording } from "../../../src/report/read/conversation.js";
import { lives } from "../../../src/report/sections/life.js";
import { lifeItem } from "../../../src/report/sections/life-item.js";
import type { EpisodeEvent } from "../../../src/trace/episode.js";
import { add, answer, remove, step, update } from "../sample.js";

const bank = ["user", "talk"];

const conversation = (...events: EpisodeEvent[]): Conversation => recording("r", events).conversations[0]!;

describe("lives", () => {
  it("tell of each memory when it was added, updated and deleted, and what it said last", () => {
    const [oslo, dog] = lives(
      conversation(
        step(bank, "D1:1", "a", add("k1", "Ana lives in Bergen"), add("k2", "Ana has a dog")),
        step(bank, "D1:2", "b", update("k1", "Ana lives in Bergen", "Ana lives in Oslo")),
        step(bank, "D1:3", "c", remove("k2", "Ana has a dog")),
      ),
    );
    expect(oslo).toMatchObject({ key: "k1", born: 0, died: null, value: { text: "Ana lives in Oslo" } });
    expect(oslo!.changes.map(({ at, change }) => [at, change.event])).toEqual([
      [0, "ADD"],
      [1, "UPDATE"],
    ]);
    expect(dog).toMatchObject({ key: "k2", born: 0, died: 2, value: { text: "Ana has a dog" } });
  });

  it("count the answers that used a memory apart from those that only saw it", () => {
    const seen = { k1: "one", k2: "two" };
    const [one, two] = lives(
      conversation(
        step(bank, "D1:1", "a", add("k1", "one"), add("k2", "two")),
        answer(bank, { id: "q1", text: "?" }, "x", seen, ["k2"]),
        answer(bank, { id: "q2", text: "?" }, "y", seen, ["k2", "k1"]),
      ),
    );
    expect([one!.shown, one!.uses.map(({ given }) => given.answer.question.id)]).toEqual([2, ["q2"]]);
    expect([two!.shown, two!.uses.map(({ given }) => given.answer.question.id)]).toEqual([2, ["q1", "q2"]]);
  });

  it("give an answer to the life that its key had when it was asked", () => {
    const all = lives(
      conversation(
        step(bank, "D1:1", "a", add("k1", "first")),
        answer(bank, { id: "q1", text: "?" }, "x", { k1: "first" }, ["k1"]),
        step(bank, "D1:2", "b", remove("k1", "first")),
        step(bank, "D1:3", "c", add("k1", "second")),
        answer(bank, { id: "q2", text: "?" }, "y", { k1: "second" }, ["k1"]),
      ),
    );
    expect(all.map(({ born, died, uses }) => [born, died, uses[0]?.given.answer.question.id])).toEqual([
      [0, 1, "q1"],
      [2, null, "q2"],
    ]);
  });

  it("follow what a person took back, and the answers before and after it", () => {
    const undo: EpisodeEvent = {
      ...{ type: "undo", id: "u", at: "2024-01-01T00:00:00.000Z", run: { runId: "r" }, namespace: bank, undoes: [] },
      changes: [add("k1", "first"), remove("k2", "second")],
    };
    const all = lives(
      conversation(
        step(bank, "D1:1", "a", add("k1", "first")),
        step(bank, "D1:2", "b", remove("k1", "first"), add("k2", "second")),
        answer(bank, { id: "q1", text: "?" }, "x", { k2: "second" }, ["k2"]),
        undo,
        answer(bank, { id: "q2", text: "?" }, "x", { k1: "first" }, ["k1"]),
      ),
    );
    expect(all.map(({ key, born, died, uses }) => [key, born, died, uses.length])).toEqual([
      ["k1", 0, 1, 0],
      ["k2", 1, 1, 1],
      ["k1", 1, null, 1],
    ]);
    expect(all[2]!.changes[0]!.told).toBeNull();
    expect(lifeItem(all[2]!).text).toContain("Taken back by an undo.");
  });

  it("begin before the recording where nothing in it added the memory", () => {
    const all = lives(conversation(step(bank, "D1:1", "a", update("k1", "old", "new"))));
    expect(all).toMatchObject([{ born: null, value: { text: "new" } }]);
  });

  it("leave out memories of other banks that were shown along", () => {
    const shared = answer(bank, { id: "q", text: "?" }, "x", { k1: "of all" }, ["k1"]);
    const events = [{ ...shared, retrieved: shared.retrieved.map((one) => ({ ...one, namespace: ["all"] })) }];
    expect(lives(conversation(...events))).toEqual([]);
  });
});
