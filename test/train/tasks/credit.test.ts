import { beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../../src/errors.js";
import { compactPrompts } from "../../../src/memory/prompts/compact-prompts.js";
import { LexicalEmbeddings } from "../../../src/store/search/lexical-embeddings.js";
import type { Change, EpisodeEvent, MemoryStep, MemoryValue } from "../../../src/trace/episode.js";
import { type CreditOptions, creditOperations } from "../../../src/train/tasks/credit.js";
import { recordedDialogues } from "../../../src/train/tasks/links.js";
import { byteTokenizer } from "../../model/fake-engine.js";
import { recordWorld } from "../recorded-world.js";
import { ScriptedEngine } from "../scripted-engine.js";

const namespace = ["recordings", "kept"];
const common = { at: "2026-01-01T00:00:00Z", run: { runId: "r" }, namespace };

const value = (text: string, turn: number): MemoryValue => ({
  text,
  speaker: "Ana",
  time: "7 May 2023",
  source: `D1:${turn}`,
  order: turn,
});

const step = (turn: number, ...changes: Change[]): MemoryStep => ({
  ...common,
  type: "memory_step",
  id: `s${turn}`,
  turn: { id: `D1:${turn}`, speaker: "Ana", time: "7 May 2023", text: "" },
  facts: ["a fact"],
  retrieved: [],
  unparsable: null,
  operations: [],
  changes,
});

const asked = (id: string, gold: string, turns: readonly number[], category = "4"): EpisodeEvent => ({
  ...common,
  type: "answer",
  id: `a-${id}`,
  question: { id, text: `What of ${id}?`, gold, category, evidence: turns.map((turn) => `D1:${turn}`) },
  retrieved: [],
  selected: [],
  answer: "",
  unparsable: null,
});

const cat = value("cat", 1);
const dog = value("cat dog", 3);
const rome = value("Rome", 2);
const add = (key: string, after: MemoryValue): Change => ({ event: "ADD", key, before: null, after });
const update = (key: string, before: MemoryValue, after: MemoryValue): Change => ({
  event: "UPDATE",
  key,
  before,
  after,
});
const remove = (key: string, before: MemoryValue): Change => ({ event: "DELETE", key, before, after: null });

/** A cat is added and updated to a cat and a dog; Rome is added and wrongly deleted; noise is added, which nobody asks about. */
const life: EpisodeEvent[] = [
  step(1, add("cat", cat), add("noise", value("weather", 1))),
  step(2, add("home", rome)),
  asked("early", "Rome", [2]),
  step(3, update("cat", cat, dog)),
  step(4, remove("home", rome)),
  asked("pets", "cat dog", [1, 3]),
  asked("first", "cat", [1]),
  asked("home", "Rome", [2]),
];

/** Answers with the words of the gold answer that its memories hold. */
const answerer = (events: readonly EpisodeEvent[]) => {
  const golds = new Map(
    events.flatMap((event) =>
      event.type === "answer" ? [[event.question.text, event.question.gold ?? ""] as const] : [],
    ),
  );
  return new ScriptedEngine(({ prompt }) => {
    const shown = prompt
      .split("\n")
      .filter((line) => / m\d+$/.test(line))
      .join("\n");
    const gold = golds.get(/Question: (.*)/.exec(prompt)![1]!)!;
    const words = gold.split(" ").filter((word) => shown.includes(word));
    return `Memories: m1\n**Answer:** ${words.join(" ") || "unknown"}`;
  });
};

const credits = (events: readonly EpisodeEvent[], options: Partial<CreditOptions> = {}, engine = answerer(events)) =>
  creditOperations(recordedDialogues(events), {
    policy: {
      engine,
      tokenizer: byteTokenizer,
      prompts: compactPrompts,
      embeddings: new LexicalEmbeddings(),
      maxNewTokens: 200,
    },
    reward: "exact-match",
    ...options,
  });

describe("the credit of a recorded operation", () => {
  it("is what its questions' scores lose without it, with the later operations as far as they still apply", async () => {
    const { operations, events, skipped } = await credits(life);
    const byName = new Map(operations.map((one) => [`${one.event} ${one.after ?? one.before}`, one]));
    // Without its ADD there is no cat to be updated: both questions are lost, and one later operation.
    expect(byName.get("ADD cat")).toMatchObject({ gain: 2, credit: 1, lost: 1 });
    // Without the UPDATE the cat stays: only the pair is lost.
    expect(byName.get("UPDATE cat dog")).toMatchObject({ gain: 1, credit: 0.5, lost: 0 });
    // Home was known for a while: the early question has it, the late one finds it deleted with or without the ADD.
    expect(byName.get("ADD Rome")).toMatchObject({ gain: 1, credit: 0.5, lost: 1 });
    // Without the DELETE the late question would have been answered.
    expect(byName.get("DELETE Rome")).toMatchObject({ gain: -1, credit: -1, lost: 0 });
    // The weather bears on nothing, though its turn is evidence.
    expect(byName.get("ADD weather")).toMatchObject({ gain: 0, credit: 0 });
    expect(operations).toHaveLength(5);
    expect(operations[0]).toBe(byName.get("ADD cat"));
    expect(operations.at(-1)).toBe(byName.get("DELETE Rome"));
    expect(events.ADD).toMatchObject({ operations: 3, gain: 3, helpful: 2, harmful: 0, credit: 0.5 });
    expect(events.DELETE).toMatchObject({ operations: 1, gain: -1, helpful: 0, harmful: 1 });
    expect(skipped).toEqual({ NOOP: 0, "no question": 0, "beyond the limit": 0 });
  });

  it("names each question's score with and without it", async () => {
    const { operations } = await credits(life);
    const { questions } = operations.find(({ event }) => event === "DELETE")!;
    expect(questions).toEqual([{ id: "home", text: "What of home?", gold: "Rome", recorded: 0, without: 1 }]);
  });

  it("by F1 is partial where an answer is partly lost", async () => {
    const { operations } = await credits(life, { reward: "f1" });
    const updated = operations.find(({ event }) => event === "UPDATE")!;
    // "cat" beside "cat dog": precision 1, recall 1/2.
    expect(updated.gain).toBeCloseTo(1 - 2 / 3, 12);
  });

  it("over all later questions also shows what a memory costs by taking another one's place", async () => {
    const crowded: EpisodeEvent[] = [
      step(1, add("cat", value("the cat sleeps", 1))),
      step(2, add("crowd", value("what of the pet, what of it", 2))),
      asked("pet", "cat", [1]),
    ];
    const policy = { memoriesPerSpeaker: 1 };
    const engine = answerer(crowded);
    const full = {
      engine,
      tokenizer: byteTokenizer,
      prompts: compactPrompts,
      embeddings: new LexicalEmbeddings(),
      maxNewTokens: 200,
      ...policy,
    };
    const all = await credits(crowded, { policy: full, questions: "all" });
    expect(all.operations.find(({ after }) => after?.startsWith("what"))).toMatchObject({ gain: -1 });
    const linked = await credits(crowded, { policy: full });
    expect(linked.operations.map(({ after }) => after)).toEqual(["the cat sleeps"]);
    expect(linked.skipped["no question"]).toBe(1);
  });

  it("costs no answer where the operation was undone by then, and none twice", async () => {
    const engine = answerer(life);
    await credits(life, {}, engine);
    const prompts = engine.asked.map(({ prompt }) => prompt);
    expect(new Set(prompts).size).toBe(prompts.length);
    // Four recorded banks; without cat 2, without the update 2, of which "first" and "pets"; without weather 2; early without home; home kept.
    expect(prompts).toHaveLength(4 + 2 + 2 + 2 + 1 + 1);
  });

  it("looks at a limited number of operations, drawn by the seed", async () => {
    const some = await credits(life, { limit: 2, seed: 1 });
    expect(some.operations).toHaveLength(2);
    expect(some.skipped["beyond the limit"]).toBe(3);
    expect(await credits(life, { limit: 2, seed: 1 })).toEqual(some);
  });

  it("needs operations that questions with gold answers follow", async () => {
    await expect(credits(life.slice(0, 2))).rejects.toThrow(UsageError);
    await expect(credits([asked("early", "x", [1]), step(1, add("cat", cat))])).rejects.toThrow(/none with a question/);
  });
});

describe("credit in a recording of the project's own graphs", () => {
  let events: EpisodeEvent[];
  beforeAll(async () => {
    events = await recordWorld();
  });

  it("is that of each fact that was asked about", async () => {
    const { operations } = await credits(events);
    expect(Object.fromEntries(operations.map(({ after, gain }) => [after, gain]))).toEqual({
      // The world asks "Which pet came first?" (cat) and "Which pets are there?" (cat dog).
      "Ana has a cat": 2,
      "Ana has a dog": 1,
      "Ana lives in Rome": 1,
      "Cy paints owls": 1,
    });
  });
});
