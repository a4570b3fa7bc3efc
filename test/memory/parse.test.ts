import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAnswer, parseFacts, parseOperations } from "../../src/memory/parse.js";

const add = { event: "ADD", text: "Ana lives in Oslo" };
const json = JSON.stringify({ operations: [add] });

test("operations are read bare, fenced, in prose, and after a reasoning block", () => {
  for (const text of [
    json,
    `\`\`\`json\n${json}\n\`\`\``,
    `Sure, here it is:\n${json}\nDone {or not}.`,
    `For a set {a, b} I answer ${json}`,
    `<think>maybe {"operations":[]}?</think>\n${json}`,
  ]) {
    expect(parseOperations(text, [])).toEqual({ operations: [add], unparsable: null });
  }
});

test("braces and quotes inside a text do not end the object", () => {
  const tricky = { event: "ADD", text: 'a } brace, a { brace, a "quote" and a \\ slash' };
  expect(parseOperations(JSON.stringify({ operations: [tricky] }), [])).toMatchObject({ operations: [tricky] });
});

test("a forgotten last brace is read over, but not a list that was cut off", () => {
  const whole = '{"operations":[{"event":"ADD","text":"Ana moved"}]';
  expect(parseOperations(whole, [])).toEqual({ operations: [{ event: "ADD", text: "Ana moved" }], unparsable: null });
  for (let length = whole.length - 1; length > 0; length--) {
    expect(parseOperations(whole.slice(0, length), []).operations).toEqual([]);
  }
});

test("the dialect of mem0 is read as the same decision", () => {
  const text = JSON.stringify({
    memory: [
      { id: "m1", text: "old", event: "NONE" },
      { id: "m2", text: "new", event: "UPDATE", old_memory: "was" },
      { id: "9", text: "added", event: "ADD" },
    ],
  });
  expect(parseOperations(text, ["m1", "m2"])).toEqual({
    operations: [
      { event: "NOOP", id: "m1" },
      { event: "UPDATE", id: "m2", text: "new" },
      { event: "ADD", text: "added" },
    ],
    unparsable: null,
  });
});

test("an ADD may name a fact in place of its text, but none that there is not", () => {
  const operations = [
    { event: "ADD", fact: "f2" },
    { event: "ADD", fact: "f9", text: "in other words" },
  ];
  const facts = ["Ana moved", "Ana plays chess"];
  expect(parseOperations(JSON.stringify({ operations }), [], { facts })).toEqual({
    operations: [
      { event: "ADD", text: "Ana plays chess" },
      { event: "ADD", text: "in other words" },
    ],
    unparsable: null,
  });
  for (const fact of ["f0", "f3", "f01", "m1", "__proto__"]) {
    const text = JSON.stringify({ operations: [add, { event: "ADD", fact }] });
    expect(parseOperations(text, ["m1"], { facts })).toEqual({
      operations: [],
      unparsable: `ADD names the unknown fact "${fact}"`,
    });
  }
});

test("one bad operation makes the whole output invalid, with the reason", () => {
  const known = ["m1", "m2"];
  for (const [list, reason] of [
    [[add, { event: "DELETE", id: "m3" }], 'DELETE names the unknown memory "m3"'],
    [[{ event: "UPDATE", id: "M1", text: "x" }], 'UPDATE names the unknown memory "M1"'],
    [[{ event: "NOOP", id: "m7" }], 'NOOP names the unknown memory "m7"'],
    [
      [
        { event: "UPDATE", id: "m1", text: "x" },
        { event: "DELETE", id: "m1" },
      ],
      "two operations change m1",
    ],
    [new Array(9).fill(add), "9 changes, at most 8 are allowed"],
    [[{ event: "ADD", text: "  " }], /^operations\.0\.text: /],
    [[{ event: "MERGE", id: "m1" }], /^operations\.0\.event: /],
    [[{ event: "UPDATE", id: "m1" }], /^operations\.0\.text: /],
  ] as const) {
    expect(parseOperations(JSON.stringify({ operations: list }), known)).toEqual({
      operations: [],
      unparsable: reason instanceof RegExp ? expect.stringMatching(reason) : reason,
    });
  }
});

test("operations that change nothing do not count against the limit", () => {
  const list = [...new Array(20).fill({ event: "NOOP" }), add];
  expect(parseOperations(JSON.stringify({ operations: list }), []).operations).toHaveLength(21);
});

test("whatever the text, reading it ends and does not throw", () => {
  const part = fc.constantFrom(
    "{",
    "}",
    '"',
    "\\",
    "[",
    "]",
    ":",
    ",",
    "operations",
    "null",
    "</think>",
    "**Answer:**",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(part, fc.string())), (parts) => {
      const text = parts.join("");
      expect(typeof parseOperations(text, ["m1"]).operations.length).toBe("number");
      expect(Array.isArray(parseFacts(text).facts)).toBe(true);
      expect(typeof parseAnswer(text).answer).toBe("string");
    }),
  );
  for (const text of ["{".repeat(60_000), "{}".repeat(30_000), '{"a":'.repeat(10_000), '{"'.repeat(30_000), "{}a"]) {
    expect(parseOperations(text, []).unparsable).toEqual(expect.any(String));
    expect(parseFacts(text).unparsable).toEqual(expect.any(String));
  }
  const nested = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;
  expect(parseOperations(nested, []).unparsable).toEqual(expect.any(String));
  expect(parseOperations(`${json}${" ".repeat(70_000)}`, []).unparsable).toBe("longer than 65536 characters");
});

test("facts are trimmed texts", () => {
  expect(parseFacts('{"facts":[" Ana lives in Oslo "]}')).toEqual({ facts: ["Ana lives in Oslo"], unparsable: null });
  expect(parseFacts('{"facts":["", "x"]}').unparsable).toMatch(/^facts\.0: /);
  expect(parseFacts("none").unparsable).toBe("no JSON object");
});

test("an answer is what follows the last mark, with the memories named before it", () => {
  expect(parseAnswer("Memories: m1, m3\n**Answer:** Oslo")).toEqual({
    selected: ["m1", "m3"],
    answer: "Oslo",
    unparsable: null,
  });
  expect(parseAnswer("Memories: none\n**Answer:** none")).toEqual({ selected: [], answer: "none", unparsable: null });
  expect(parseAnswer("İ Memories: m2 m2\n**answer:**\n  7 May\n2023 ")).toEqual({
    selected: ["m2"],
    answer: "7 May 2023",
    unparsable: null,
  });
  expect(parseAnswer("Oslo")).toEqual({ selected: [], answer: "", unparsable: "no **Answer:**" });
  expect(parseAnswer("**Answer:** ")).toMatchObject({ unparsable: "empty answer" });
});
