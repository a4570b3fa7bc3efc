import { describe, expect, it } from "vitest";
import { dialogueSchema } from "../../src/evaluate/dialogue.js";
import { operationSchema } from "../../src/memory/bank/operation.js";
import { Random } from "../../src/random.js";
import { questionWeights } from "../../src/synthetic/ask.js";
import { generateDialogue, generateDialogues, type SyntheticDialogue } from "../../src/synthetic/dialogue.js";
import { factText } from "../../src/synthetic/facts.js";
import { lexiconKinds, pool, pseudoWord, type Split, splits } from "../../src/synthetic/lexicon.js";
import { askedKinds, questionPhrasings } from "../../src/synthetic/questions.js";

const world = (split: Split, count = 60): SyntheticDialogue[] => generateDialogues({ seed: 11, count, split });

/** The gold bank after all turns, as texts by id. */
function finalBank({ turns }: SyntheticDialogue): Map<string, string> {
  const bank = new Map<string, string>();
  let added = 0;
  for (const operation of turns.flatMap((turn) => turn.operations)) {
    if (operation.event === "ADD") bank.set(`g${++added}`, operation.text);
    else if (operation.event === "UPDATE") {
      expect(bank.has(operation.id)).toBe(true);
      bank.set(operation.id, operation.text);
    } else if (operation.event === "DELETE") expect(bank.delete(operation.id)).toBe(true);
    else expect(bank.has(operation.id ?? "")).toBe(true);
  }
  return bank;
}

describe("splits of the synthetic world", () => {
  it("share no name and no value, of whatever kind", () => {
    const words = splits.map(
      (split) => new Set(lexiconKinds.flatMap((kind) => pool(kind, split).map((w) => w.toLowerCase()))),
    );
    for (const [i, own] of words.entries()) {
      for (const other of words.slice(i + 1)) expect([...own].filter((word) => other.has(word))).toEqual([]);
    }
  });

  it.each(["train", "test"] as const)("have at least 25 values of each kind in %s", (split) => {
    for (const kind of lexiconKinds) expect(pool(kind, split).length).toBeGreaterThanOrEqual(25);
  });

  it("share no phrasing of a question, and have enough of them", () => {
    const phrasings = splits.map((split) => askedKinds.flatMap((asked) => questionPhrasings(asked, split)));
    expect(new Set(phrasings.flat()).size).toBe(phrasings.flat().length);
    for (const asked of askedKinds) {
      expect(questionPhrasings(asked, "pretrain").length).toBeGreaterThanOrEqual(6);
      expect(questionPhrasings(asked, "train").length).toBeGreaterThanOrEqual(3);
      expect(questionPhrasings(asked, "test").length).toBeGreaterThanOrEqual(3);
    }
  });

  it("keep test questions and facts out of the training dialogues", () => {
    const texts = (split: Split) =>
      new Set(
        world(split).flatMap(({ turns, questions }) => [
          ...turns.flatMap((turn) => turn.facts),
          ...questions.map((q) => q.text),
        ]),
      );
    const [pretrain, train, test] = [texts("pretrain"), texts("train"), texts("test")];
    expect([...test].filter((text) => train.has(text) || pretrain.has(text))).toEqual([]);
    expect([...train].filter((text) => pretrain.has(text))).toEqual([]);
  });

  it("invent words that are in no pool", () => {
    const random = new Random(1);
    const known = new Set(lexiconKinds.flatMap((kind) => splits.flatMap((split) => pool(kind, split))));
    const invented = Array.from({ length: 5000 }, () => pseudoWord(random));
    expect(invented.filter((word) => known.has(word))).toEqual([]);
    expect(new Set(invented).size).toBeGreaterThan(4000);
  });
});

describe("generateDialogues", () => {
  it("repeats itself for a seed, whatever the count, and changes with the seed", () => {
    expect(world("train", 3)).toEqual(world("train", 5).slice(0, 3));
    expect(generateDialogues({ seed: 12, count: 1, split: "train" })).not.toEqual(world("train", 1));
  });

  it.each(splits)("gives dialogues of the declared form, with ids that occur once (%s)", (split) => {
    for (const dialogue of world(split, 20)) {
      expect(dialogueSchema.safeParse(dialogue).error).toBeUndefined();
      expect(dialogue.turns).toHaveLength(25);
      expect(new Set(dialogue.turns.map(({ id }) => id)).size).toBe(25);
      expect(new Set(dialogue.questions.map(({ id }) => id)).size).toBe(dialogue.questions.length);
      expect(new Set(dialogue.questions.map(({ text }) => text)).size).toBe(dialogue.questions.length);
      const dates = dialogue.turns.map(({ time }) => Date.parse(time));
      expect(dates).toEqual(dates.toSorted((a, b) => a - b));
      for (const turn of dialogue.turns) for (const operation of turn.operations) operationSchema.parse(operation);
    }
  });

  it("says every value of a fact in the turn that carries it", () => {
    for (const { turns } of world("test")) {
      for (const turn of turns) {
        expect(turn.text).not.toMatch(/[{}|]|undefined/);
        for (const { fact } of turn.told) {
          expect(turn.text).toContain(fact.value);
          if (fact.type === "state" && fact.detail !== undefined) expect(turn.text).toContain(fact.detail);
          expect(fact.speaker).toBe(turn.speaker);
        }
        expect(turn.facts).toEqual(turn.told.map(({ fact }) => factText(fact)));
      }
    }
  });

  it.each(splits)("has right operations that leave exactly what holds at the end (%s)", (split) => {
    for (const dialogue of world(split)) {
      const holds = new Map<string, string>();
      for (const { kind, fact } of dialogue.turns.flatMap(({ told }) => told)) {
        const subject = fact.type === "event" ? factText(fact) : `${fact.speaker} ${fact.attribute}`;
        if (fact.type === "ended") holds.delete(subject);
        else if (kind !== "repetition") holds.set(subject, factText(fact));
      }
      expect([...finalBank(dialogue).values()].sort()).toEqual([...holds.values()].sort());
    }
  });

  it("asks what the right bank answers, and gives short golds", () => {
    for (const dialogue of world("test")) {
      const bank = [...finalBank(dialogue).values()];
      for (const { category, gold, parts } of dialogue.questions) {
        const golds = gold.split(" and ");
        expect(golds).toHaveLength(parts.length);
        for (const [i, { speaker }] of parts.entries()) {
          if (category === "when") expect(dialogue.turns.map(({ time }) => time)).toContain(gold);
          else if (category === "no-longer-true") expect(gold).toBe("none");
          else
            expect(bank.some((text) => text.includes(speaker) && text.split(" ").includes(golds[i] ?? ""))).toBe(true);
        }
        expect(gold.split(" ").length).toBeLessThanOrEqual(3);
      }
    }
  });

  it("ends the evidence with the turn that decides, after all earlier turns of that thing", () => {
    for (const { turns, questions } of world("test")) {
      const place = new Map(turns.map(({ id }, i) => [id, i]));
      for (const { category, evidence, gold } of questions) {
        expect(evidence.every((id) => place.has(id))).toBe(true);
        const deciding = turns[place.get(evidence.at(-1) ?? "") ?? -1];
        if (category === "latest-value" || category === "no-longer-true") {
          expect(evidence.length).toBeGreaterThanOrEqual(2);
          const places = evidence.map((id) => place.get(id) ?? -1);
          expect(places).toEqual(places.toSorted((a, b) => a - b));
        }
        if (category === "latest-value") expect(deciding?.text).toContain(gold);
        if (category === "no-longer-true") expect(deciding?.told.some(({ kind }) => kind === "retraction")).toBe(true);
        if (category === "when") expect(deciding?.time).toBe(gold);
      }
    }
  });

  it("balances the kinds of questions by their weights", () => {
    const asked = world("test", 200).flatMap(({ questions }) => questions);
    for (const [kind, weight] of Object.entries(questionWeights)) {
      const share = asked.filter(({ category }) => category === kind).length / asked.length;
      expect(Math.abs(share - weight)).toBeLessThan(0.03);
    }
    const counts = world("test", 200).map(({ questions }) => questions.length);
    expect(counts.reduce((sum, count) => sum + count, 0) / counts.length).toBeGreaterThan(12);
    expect(Math.max(...counts)).toBeLessThanOrEqual(18);
  });

  it("has every kind of turn, small talk among them", () => {
    const turns = world("train").flatMap((dialogue) => dialogue.turns);
    const kinds = new Set(turns.flatMap(({ told }) => told.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual(["contradiction", "event", "new", "refinement", "repetition", "retraction"]);
    for (const facts of [0, 1, 2]) expect(turns.some((turn) => turn.facts.length === facts)).toBe(true);
  });

  it("works for any size, down to a single turn", () => {
    for (let index = 0; index < 200; index++) {
      const random = new Random(index);
      const [sessions, turnsPerSession] = [1 + random.int(8), 1 + random.int(12)];
      const dialogue = generateDialogue(index, { seed: 5, split: "pretrain", sessions, turnsPerSession });
      expect(dialogue.turns).toHaveLength(sessions * turnsPerSession);
    }
  });
});
