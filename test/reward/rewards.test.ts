import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { bleu1 } from "../../src/reward/bleu.js";
import { exactMatch, strictExactMatch } from "../../src/reward/exact-match.js";
import { locomoF1, mem0F1 } from "../../src/reward/f1.js";
import { porterStem } from "../../src/reward/porter-stem.js";
import { rewardNames, rewards } from "../../src/reward/rewards.js";
import { wordTokens } from "../../src/reward/word-tokens.js";

const reference = new URL("../../../shared/reference/metrics.json", import.meta.url);
const text = z.union([z.string(), z.number()]).transform(String);
const rowsSchema = z.array(
  z.object({
    prediction: text,
    gold: text,
    category: text,
    locomo_f1: z.number(),
    mem0_f1: z.number(),
    bleu1: z.number(),
    exact_match: z.number(),
    sentences: z.array(z.number()),
  }),
);

describe.skipIf(!existsSync(reference))(
  "metrics beside the original code (needs ../shared/reference/metrics.json)",
  () => {
    const rows = existsSync(reference) ? rowsSchema.parse(JSON.parse(readFileSync(reference, "utf8"))) : [];
    const columns = {
      f1: "locomo_f1",
      "mem0-f1": "mem0_f1",
      bleu1: "bleu1",
      "strict-exact-match": "exact_match",
    } as const;

    it.each(Object.entries(columns) as [keyof typeof columns, (typeof columns)[keyof typeof columns]][])(
      "gives %s of every row to 1e-9",
      (name, column) => {
        const wrong = rows.filter(
          (row) => !(Math.abs(rewards[name](row.prediction, row.gold, row.category) - row[column]) <= 1e-9),
        );
        expect(rows.length).toBeGreaterThan(800);
        expect(wrong).toEqual([]);
      },
    );
  },
);

describe("exact match", () => {
  it.each([
    ["the Oslo.", "oslo"],
    ["7 May 2023", "7 may, 2023"],
    ["A  dog", "“dog”"],
    ["ＮＵＲＳＥ", "nurse"],
  ])("takes %j for %j: case, articles and punctuation don't count", (prediction, gold) => {
    expect(exactMatch(prediction, gold)).toBe(1);
  });

  it.each([
    ["Oslo and Rome", "Oslo"],
    ["", "Oslo"],
    ["", "the"],
    ["another", "other"],
  ])("does not take %j for %j", (prediction, gold) => {
    expect(exactMatch(prediction, gold)).toBe(0);
  });

  it("is strict about punctuation and articles in mem0's form", () => {
    expect(strictExactMatch(" Oslo ", "oslo")).toBe(1);
    expect(strictExactMatch("Oslo.", "Oslo")).toBe(0);
    expect(strictExactMatch("the Oslo", "Oslo")).toBe(0);
    expect(strictExactMatch("", "")).toBe(0);
  });
});

describe("F1", () => {
  it("compares stems and leaves out articles and 'and' in LoCoMo's form", () => {
    expect(locomoF1("the painted dogs and cats", "painting dog cat")).toBe(1);
    expect(mem0F1("painted dogs", "painting dog")).toBe(0);
  });

  it("takes each comma-separated gold of category 1 by its best match", () => {
    expect(locomoF1("hiking, chess", "chess, hiking, yoga", "1")).toBeCloseTo(2 / 3, 12);
    expect(locomoF1("hiking, chess", "chess, hiking, yoga", "4")).toBeCloseTo(0.8, 12);
  });

  it("cuts the gold of category 3 at its first semicolon", () => {
    expect(locomoF1("yes", "Yes; because she likes it", "3")).toBe(1);
    expect(locomoF1("yes", "Yes; because she likes it", "4")).toBeLessThan(0.5);
  });

  it("wants a refusal in category 5", () => {
    expect(locomoF1("It is not mentioned.", "Oslo", "5")).toBe(1);
    expect(locomoF1("Oslo", "Oslo", "5")).toBe(0);
  });

  it("counts a word that is said twice once in mem0's sets and twice in LoCoMo's bags", () => {
    expect(mem0F1("Oslo Oslo", "Oslo")).toBe(1);
    expect(locomoF1("Oslo Oslo", "Oslo")).toBeCloseTo(2 / 3, 12);
  });
});

describe("BLEU-1", () => {
  it("punishes what is too short by the brevity penalty and what is too long by precision", () => {
    expect(bleu1("Oslo", "Oslo in Norway")).toBeCloseTo(Math.exp(-2), 12);
    expect(bleu1("Oslo in Norway", "Oslo")).toBeCloseTo(1 / 3, 12);
  });

  it("tokenizes clitics, money and final full stops as the Penn Treebank does", () => {
    expect(wordTokens("She can't pay $3.50 (or won't).")).toEqual("She ca n't pay $ 3.50 ( or wo n't ) .".split(" "));
    expect(wordTokens("I met Dr. Lee. He left.")).toEqual("I met Dr. Lee . He left .".split(" "));
  });
});

describe("the Porter stemmer", () => {
  it.each([
    ["they", "they"],
    ["enjoys", "enjoy"],
    ["skies", "sky"],
    ["dies", "die"],
    ["dying", "die"],
    ["cried", "cri"],
    ["relational", "relat"],
    ["hopping", "hop"],
    ["hoping", "hope"],
    ["generalizations", "gener"],
    ["oscillators", "oscil"],
    ["controlling", "control"],
  ])("takes %s to %s as nltk does", (word, stem) => {
    expect(porterStem(word)).toBe(stem);
  });
});

describe("every reward", () => {
  it.each(rewardNames)("%s lies between 0 and 1 for any texts", (name) => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (prediction, gold) => {
        const value = rewards[name](prediction, gold);
        return value >= 0 && value <= 1;
      }),
    );
  });

  it.each(rewardNames)("%s gives 1 to an answer of plain words that is the gold", (name) => {
    const word = fc.stringMatching(/^[b-z]{3,8}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
        const gold = words
          .filter((each) => each !== "the" && each !== "and")
          .concat("oslo")
          .join(" ");
        expect(rewards[name](gold, gold)).toBeCloseTo(1, 12);
      }),
    );
  });
});
