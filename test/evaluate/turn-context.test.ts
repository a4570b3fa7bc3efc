import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readLocomo, splitLocomo } from "../../src/evaluate/locomo.js";
import { plainPrompt } from "../../src/evaluate/plain-prompt.js";
import { turnChooser, turnRecall, turnsAsMemories } from "../../src/evaluate/turn-context.js";

const locomo = fileURLToPath(new URL("../../../shared/data/locomo10.json", import.meta.url));

const turn = (number: number, speaker: string, text: string) => ({
  id: `D1:${number}`,
  speaker,
  text,
  time: "8 May 2023",
  when: "1:56 pm on 8 May, 2023",
  session: 1,
});
const turns = [turn(1, "Ann", "Hi!"), turn(2, "Bob", "I bought a kayak."), turn(3, "Ann", "My kayak is red.")];
const question = { id: "q", text: "Which kayak is red?", evidence: ["D1:3", "D1:2"] };

describe("raw turns in place of memories", () => {
  it("are none, the evidence, or all, in the order in which they were said", () => {
    const choose = turnChooser(turns);
    expect(choose("none", question)).toEqual([]);
    expect(choose("full", question)).toEqual(turns);
    expect(choose("evidence", question).map(({ id }) => id)).toEqual(["D1:2", "D1:3"]);
    expect(turnRecall(question, turns.slice(0, 2))).toBe(0.5);
    expect(turnRecall({ id: "q", text: "?" }, turns)).toBeNull();
  });

  it("are by BM25 the best thirty of each speaker; where too few share a word, the oldest fill up", () => {
    const long = Array.from({ length: 80 }, (_, i) => turn(i + 1, i % 2 === 0 ? "Ann" : "Bob", `Small talk ${i}.`));
    long[78] = turn(79, "Ann", "My kayak is red.");
    const chosen = turnChooser(long)("bm25", question);
    expect(chosen).toHaveLength(60);
    const ann = chosen.filter(({ speaker }) => speaker === "Ann").map(({ id }) => id);
    expect(ann).toEqual([...long.filter((_, i) => i % 2 === 0 && i < 58).map(({ id }) => id), "D1:79"]);
  });

  it("are asked about in the plain prompt's exact words", () => {
    const [system, human] = plainPrompt("Which kayak is red?", turns.slice(1));
    expect(human!.text).toBe(
      "Memories:\n1:56 pm on 8 May, 2023: Bob: I bought a kayak.\n1:56 pm on 8 May, 2023: Ann: My kayak is red.\n\nQuestion: Which kayak is red?\nShort answer:",
    );
    expect(plainPrompt("Why?", [])[1]!.text).toBe("Memories:\n\n\nQuestion: Why?\nShort answer:");
    expect(system!.text).toMatch(/^You answer questions about two people .* as in '7 May 2023'. No explanation.$/);
  });

  it("are shown to the answer agent as memories of each speaker", () => {
    expect(turnsAsMemories(turns, ["Ann", "Bob"]).map(({ alias, text }) => [alias, text])).toEqual([
      ["m1", "Hi!"],
      ["m2", "My kayak is red."],
      ["m3", "I bought a kayak."],
    ]);
  });

  it.skipIf(!existsSync(locomo))(
    "hold by BM25 about 71 % of LoCoMo's evidence (needs ../shared/data/locomo10.json)",
    async () => {
      const dialogues = splitLocomo(await readLocomo(locomo), "validation");
      const recalls = dialogues.flatMap(({ turns, questions }) => {
        const choose = turnChooser(turns);
        return questions.flatMap((question) => turnRecall(question, choose("bm25", question)) ?? []);
      });
      const mean = recalls.reduce((sum, value) => sum + value, 0) / recalls.length;
      expect(mean).toBeGreaterThan(0.6);
      expect(mean).toBeLessThan(0.95);
    },
  );
});
