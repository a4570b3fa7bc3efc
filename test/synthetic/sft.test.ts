import { describe, expect, it } from "vitest";
import { parseAnswer, parseFacts, parseOperations } from "../../src/memory/parse.js";
import { Random } from "../../src/random.js";
import type { Fact } from "../../src/synthetic/facts.js";
import { lexiconKinds, pool } from "../../src/synthetic/lexicon.js";
import { addOnlyHabits, decide, type KnownMemory, naiveHabits, rightHabits } from "../../src/synthetic/naive.js";
import { generateSftExamples } from "../../src/synthetic/sft.js";

const examples = [...generateSftExamples({ seed: 4, count: 6000 })];
const aliasesIn = (prompt: string): string[] => [...prompt.matchAll(/ (m\d+)$/gm)].map(([, alias]) => alias as string);

describe("generateSftExamples", () => {
  it("repeats itself for a seed and goes on without end", () => {
    expect([...generateSftExamples({ seed: 4, count: 50 })]).toEqual(examples.slice(0, 50));
    const endless = generateSftExamples({ seed: 4 });
    for (const example of examples.slice(0, 5)) expect(endless.next().value).toEqual(example);
  });

  it("keeps the shares of the roles", () => {
    const share = (role: string): number =>
      examples.filter((example) => example.role === role).length / examples.length;
    expect(share("extractor")).toBeCloseTo(0.2, 1);
    expect(share("manager")).toBeCloseTo(0.4, 1);
    expect(share("answerer")).toBeCloseTo(0.4, 1);
  });

  it("asks with a system and a user message, in the compact formats", () => {
    const systems = { extractor: "extract", manager: "manage", answerer: "answer" };
    for (const { role, messages } of examples) {
      expect(messages.map((message) => message.role)).toEqual(["system", "user"]);
      expect(messages[0]?.content).toBe(systems[role]);
    }
  });

  it("answers in formats that the parsers read, with aliases of the prompt alone", () => {
    for (const { role, messages, response } of examples) {
      const prompt = messages[1]?.content ?? "";
      const aliases = aliasesIn(prompt);
      if (role === "extractor") expect(parseFacts(response).unparsable).toBeNull();
      if (role === "manager") {
        const { operations, unparsable } = parseOperations(response, aliases);
        expect(unparsable).toBeNull();
        expect(operations).toHaveLength([...prompt.matchAll(/^- /gm)].length);
      }
      if (role === "answerer") {
        const { selected, unparsable } = parseAnswer(response);
        expect(unparsable).toBeNull();
        expect(selected.filter((alias) => !aliases.includes(alias))).toEqual([]);
      }
    }
  });

  it("quotes the memory that each operation of a manager is decided by, and changes no other but by carelessness", () => {
    let changes = 0;
    let careless = 0;
    for (const { messages, response } of examples.filter(({ role }) => role === "manager")) {
      const lines = (messages[1]?.content ?? "").split("\n");
      for (const { near, event, id } of JSON.parse(response).operations) {
        const quoted = lines.some((line) => line.endsWith(`) ${near}`));
        expect(quoted || near.endsWith(" nothing")).toBe(true);
        if (event !== "UPDATE" && event !== "DELETE") continue;
        changes++;
        if (!near.endsWith(` ${id}`)) careless++;
      }
    }
    expect(changes).toBeGreaterThan(200);
    expect(careless / changes).toBeLessThan(0.25);
  });

  it("takes every answer from the memories that it names", () => {
    for (const { messages, response } of examples.filter(({ role }) => role === "answerer")) {
      const { selected, answer } = parseAnswer(response);
      const lines = (messages[1]?.content ?? "")
        .split("\n")
        .filter((line) => selected.includes(line.split(" ").at(-1) ?? ""));
      for (const part of answer.split(" and ")) {
        if (part !== "none") expect(lines.some((line) => line.includes(part))).toBe(true);
      }
      if (selected.length === 0) expect(answer.replaceAll(" and ", " ").replaceAll("none", "").trim()).toBe("");
    }
  });

  it("shows banks from empty to large, with duplicates, stale values and notes of what has ended", () => {
    const prompts = examples
      .filter(({ role }) => role === "answerer")
      .map(({ messages }) => messages[1]?.content ?? "");
    const sizes = prompts.map((prompt) => aliasesIn(prompt).length);
    expect(Math.min(...sizes)).toBe(0);
    expect(Math.max(...sizes)).toBeGreaterThan(12);
    expect(prompts.some((prompt) => / no longer /.test(prompt))).toBe(true);
    const repeats = (prompt: string): boolean => {
      const texts = [...prompt.matchAll(/^(.*) \([^)]*\) m\d+$/gm)].map(([, text]) => text);
      return new Set(texts).size < texts.length;
    };
    expect(prompts.some(repeats)).toBe(true);
  });

  it("never speaks of the people and values of the train and test splits", () => {
    const text = examples.map(({ messages }) => messages[1]?.content ?? "").join("\n");
    const words = new Set(text.split(/[^\p{L}]+/u));
    const foreign = lexiconKinds.flatMap((kind) => [...pool(kind, "train"), ...pool(kind, "test")]);
    expect(foreign.filter((word) => words.has(word))).toEqual([]);
  });
});

describe("the naive manager", () => {
  const fact = (value: string): Fact => ({ type: "state", speaker: "Ana", attribute: "city", value });
  const ended: Fact = { type: "ended", speaker: "Ana", attribute: "city", value: "Oslo" };
  const memory = (value: string, order: number): KnownMemory => ({
    fact: fact(value),
    time: "7 May 2023",
    source: "D1:1",
    order,
  });

  it("draws its operations with the probabilities of its table", () => {
    const random = new Random(2);
    const drawn = Array.from(
      { length: 20_000 },
      () => decide(random, [fact("Rome")], [memory("Oslo", 0)], naiveHabits)[0]!.operation.event,
    );
    for (const [event, probability] of Object.entries(naiveHabits.change)) {
      expect(drawn.filter((each) => each === event).length / drawn.length).toBeCloseTo(probability, 1.5);
    }
  });

  it("knows what is right: the nearest memory of the thing is updated or deleted, repetitions change nothing", () => {
    const shown = [memory("Oslo", 0), memory("Bergen", 3)];
    const right = (told: Fact, memories: readonly KnownMemory[]) =>
      decide(new Random(1), [told], memories, rightHabits).map(({ operation }) => operation);
    expect(right(fact("Rome"), [])).toEqual([{ event: "ADD", text: "Ana lives in Rome" }]);
    expect(right(fact("Rome"), shown)).toEqual([{ event: "UPDATE", id: "m1", text: "Ana lives in Rome" }]);
    expect(right(ended, shown)).toEqual([{ event: "DELETE", id: "m1" }]);
    expect(right(fact("Oslo"), shown)).toEqual([{ event: "NOOP" }]);
    expect(right(ended, [])).toEqual([{ event: "NOOP" }]);
  });

  it("never changes one memory twice in a turn", () => {
    const random = new Random(9);
    for (let i = 0; i < 2000; i++) {
      const operations = decide(random, [fact("Rome"), fact("Turin")], [memory("Oslo", 0)], naiveHabits);
      const changes = operations.filter(({ operation: { event } }) => event === "UPDATE" || event === "DELETE");
      expect(changes.length).toBeLessThanOrEqual(1);
    }
  });

  it("only adds under the habits of the ADD-only control", () => {
    expect(
      decide(new Random(1), [ended, fact("Oslo")], [memory("Oslo", 0)], addOnlyHabits).map(
        ({ operation }) => operation.event,
      ),
    ).toEqual(["ADD", "ADD"]);
  });
});
