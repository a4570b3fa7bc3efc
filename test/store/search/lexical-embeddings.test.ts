import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LexicalEmbeddings } from "../../../src/store/search/lexical-embeddings.js";
import { cosineSimilarity } from "../../../src/store/search/vectors.js";

const embeddings = new LexicalEmbeddings();
const similarity = async (left: string, right: string) =>
  cosineSimilarity(await embeddings.embedQuery(left), await embeddings.embedQuery(right));

describe("LexicalEmbeddings", () => {
  it("puts a statement near its question and near its update, and far from other subjects", async () => {
    const other = await similarity("Ana lives in Oslo", "The weather was nice on Tuesday");
    expect(await similarity("Ana lives in Oslo", "Where does Ana live?")).toBeGreaterThan(0.6);
    expect(await similarity("Ana lives in Oslo", "Ana moved to Rome, lives there")).toBeGreaterThan(0.4);
    expect(Math.abs(other)).toBeLessThan(0.2);
  });

  it("ranks the memory that answers a question first", async () => {
    const memories = [
      "Ana lives in Oslo",
      "Ben lives in Paris",
      "Ana adopted a dog called Rex",
      "Ana works as a nurse",
      "Ben is learning to play the guitar",
      "Ben's sister is called Clara",
      "Ana went hiking in July 2023",
    ];
    const questions: [string, string][] = [
      ["Where does Ana live?", "Ana lives in Oslo"],
      ["Where does Ben live?", "Ben lives in Paris"],
      ["What is the name of Ana's dog?", "Ana adopted a dog called Rex"],
      ["What does Ana work as?", "Ana works as a nurse"],
      ["Which instrument does Ben play?", "Ben is learning to play the guitar"],
      ["Who is Ben's sister?", "Ben's sister is called Clara"],
      ["When did Ana go on a hike?", "Ana went hiking in July 2023"],
    ];
    for (const [question, answer] of questions) {
      const scores = await Promise.all(memories.map((memory) => similarity(question, memory)));
      expect(memories[scores.indexOf(Math.max(...scores))], question).toBe(answer);
    }
  });

  it("gives finite vectors of length one and the wanted dimension for any text, the same every time", async () => {
    const small = new LexicalEmbeddings({ dimensions: 16 });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
        const vector = await small.embedQuery(text);
        expect(vector).toHaveLength(16);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 9);
        expect(await new LexicalEmbeddings({ dimensions: 16 }).embedDocuments([text])).toEqual([vector]);
      }),
    );
  });

  it("ignores case and punctuation", async () => {
    expect(await similarity("Ana lives in Oslo", "ANA, lives in: oslo!")).toBeCloseTo(1, 9);
  });

  it("gives a text of words of other scripts and a text without words a direction of their own", async () => {
    expect(await similarity("Анна живёт в Осло", "Анна живёт в Риме")).toBeGreaterThan(0.3);
    expect(Math.abs(await similarity("", "Ana lives in Oslo"))).toBeLessThan(0.3);
  });

  it("names itself by scheme and dimension", () => {
    expect(new LexicalEmbeddings({ dimensions: 64 })).toMatchObject({ name: "lexical-v2-64", dimensions: 64 });
  });
});
