import { expect, test } from "vitest";
import { auditMemories } from "../../../src/memory/bank/audit.js";
import { LexicalEmbeddings } from "../../../src/store/search/lexical-embeddings.js";

const embeddings = new LexicalEmbeddings();
const memory = (order: number, text: string, speaker = "Ana") => ({
  key: `k${order}`,
  value: { text, speaker, time: `${order} May`, source: `D1:${order}`, order },
});

test("finds what says the same twice and what may contradict, the nearest first, with the words as evidence", async () => {
  const findings = await auditMemories(
    [
      memory(1, "Ana lives in Oslo"),
      memory(2, "Ana adopted a dog called Rex"),
      memory(3, "Ana plays the violin in an orchestra"),
      memory(4, "Ana lives in Rome"),
      memory(5, "Ana has adopted a dog called Rex"),
      memory(6, "Ana no longer plays the violin in an orchestra"),
      memory(7, "The museum opens at nine"),
    ],
    { embeddings },
  );
  expect(findings.map(({ kind, older, newer }) => [kind, older.key, newer.key]).sort()).toEqual([
    ["contradiction", "k1", "k4"],
    ["contradiction", "k3", "k6"],
    ["near-duplicate", "k2", "k5"],
  ]);
  expect(findings.map(({ similarity }) => similarity)).toEqual(
    findings.map(({ similarity }) => similarity).toSorted((left, right) => right - left),
  );
  const home = findings.find(({ older }) => older.key === "k1")!;
  expect(home.evidence).toEqual({ shared: ["Ana", "lives"], onlyOlder: ["Oslo"], onlyNewer: ["Rome"], denials: [] });
  expect(findings.find(({ older }) => older.key === "k3")!.evidence.denials).toEqual(["no", "longer"]);
});

test("compares no two speakers, and finds nothing in an empty or a clean bank", async () => {
  expect(await auditMemories([], { embeddings })).toEqual([]);
  expect(await auditMemories([memory(1, "lives in Oslo"), memory(2, "lives in Oslo", "Ben")], { embeddings })).toEqual(
    [],
  );
  expect(await auditMemories([memory(1, "Ana sails"), memory(2, "Ana likes tea")], { embeddings })).toEqual([]);
});

test("puts the older memory first, whatever the order in which they come", async () => {
  const pair = [memory(9, "Ana lives in Rome"), memory(2, "Ana lives in Oslo")];
  const [finding] = await auditMemories(pair, { embeddings });
  expect([finding!.older.key, finding!.newer.key]).toEqual(["k2", "k9"]);
});

test("takes Hindi words with their marks, and Chinese sentences word by word", async () => {
  const pairs = [memory(1, "अना का घर दिल्ली में है"), memory(2, "अना का घर मुंबई में है")];
  const sentences = [memory(3, "安娜住在奥斯陆"), memory(4, "安娜住在罗马")];
  const findings = await auditMemories([...pairs, ...sentences], { embeddings, related: 0.3 });
  expect(findings.map(({ evidence }) => [evidence.onlyOlder, evidence.onlyNewer])).toEqual(
    expect.arrayContaining([
      [["दिल्ली"], ["मुंबई"]],
      [["奥斯陆"], ["罗马"]],
    ]),
  );
});
