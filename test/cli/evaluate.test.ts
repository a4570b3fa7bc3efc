import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyBert } from "../embed/tiny-bert.js";
import { recordWorld } from "../train/recorded-world.js";
import { hasTinyModel, runCli } from "./run-cli.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "memory-r1-evaluate-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

describe("evaluate --predictions", () => {
  it("scores a file without a model, prints its rows and writes the scores", async () => {
    const predictions = [
      { condition: "bm25", category: 4, gold: "a kayak", prediction: "kayak" },
      { condition: "none", category: 2, gold: "7 May 2023", prediction: "Oslo" },
    ];
    const path = await file("predictions.json", JSON.stringify(predictions));
    const json = join(folder, "scores", "scores.json");
    const { code, stdout } = await runCli("evaluate", "--predictions", path, "--json", json);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^bm25 +100\.0 \[100\.0–100\.0\]/m);
    expect(stdout).toMatch(/^none +0\.0/m);
    const scores = JSON.parse(await readFile(json, "utf8")) as { name: string; metrics: Record<string, number> }[];
    expect(scores.map(({ name, metrics }) => [name, metrics["exact-match"], metrics["strict-exact-match"]])).toEqual([
      ["bm25", 1, 0],
      ["none", 0, 0],
    ]);
  });

  it("lets a chat model of the user's own mark them, and asks it nothing twice", async () => {
    const path = await file(
      "judged.json",
      JSON.stringify([
        { gold: "a", prediction: "b", text: "Which letter?" },
        { gold: "c", prediction: "d", text: "Which other letter?" },
      ]),
    );
    const calls = join(folder, "calls.txt");
    const judge = await file(
      "judge.mjs",
      `import { appendFileSync } from "node:fs";
       export const judge = { _llmType: () => "own", invoke: async () => {
         appendFileSync(${JSON.stringify(calls)}, "x");
         return { text: '{"correct": true}', usage_metadata: { input_tokens: 3, output_tokens: 1 } };
       } };`,
    );
    const out = join(folder, "judged.jsonl");
    for (let run = 0; run < 2; run++) {
      const { stdout } = await runCli("evaluate", "--predictions", path, "--judge", judge, "--out", out);
      expect(stdout).toMatch(/^predictions .* 100\.0( +-){3}$/m);
    }
    expect(await readFile(calls, "utf8")).toBe("xx");
    const other = await file("others.json", JSON.stringify([{ gold: "a", prediction: "b", text: "Which letter?" }]));
    const refused = await runCli("evaluate", "--predictions", other, "--judge", judge, "--out", out);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/made with other settings; expected predictions/);
  });

  it("leaves the file of results as it is where a call is refused", async () => {
    const predictions = (gold: string) => JSON.stringify([{ gold, prediction: "b", text: "Which letter?" }]);
    const [first, other] = [await file("first.json", predictions("a")), await file("second.json", predictions("b"))];
    const judge = await file(
      "unasked.mjs",
      'export const judge = { _llmType: () => "own", invoke: async () => ({}) };',
    );
    const out = join(folder, "unjudged.jsonl");
    expect((await runCli("evaluate", "--predictions", first, "--out", out)).code).toBe(0);
    const before = await readFile(out, "utf8");
    expect((await runCli("evaluate", "--predictions", other, "--judge", judge, "--out", out)).code).toBe(2);
    expect(await readFile(out, "utf8")).toBe(before);
  });
});

describe.skipIf(!hasTinyModel)("evaluate --embeddings (skipped without the tiny model's weights)", () => {
  const world = ["--dialogues", "1", "--turns", "6", "--questions", "2", "--rows", "ADD-only"];

  it("ranks memories by a sentence encoder, and keeps no results of two of them in one file", async () => {
    const encoder = join(folder, "encoder");
    await writeTinyBert(encoder);
    const out = join(folder, "encoded.jsonl");
    const first = await runCli("evaluate", ...world, "--embeddings", encoder, "--out", out);
    expect(first.stderr).toMatch(/answers from/);
    expect(first.code).toBe(0);
    const again = await runCli("evaluate", ...world, "--embeddings", encoder, "--out", out);
    expect(again.stdout).toBe(first.stdout);
    const other = await runCli("evaluate", ...world, "--out", out);
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/made with other settings; expected encoder "[0-9a-f]{64}".*found encoder absent/s);
  });

  it("refuses a folder that is no encoder", async () => {
    const { code, stderr } = await runCli("evaluate", ...world, "--embeddings", join(folder, "nowhere"));
    expect(code).toBe(2);
    expect(stderr).toMatch(/nowhere/);
  });
});

describe("a command line of evaluate, credit or train that cannot be used ends with code 2 and says what to do", () => {
  it.each([
    {
      args: ["evaluate", "--rows", "bm52"],
      says: /rows \(--rows\): there is no such row; expected none, .*found bm52/,
    },
    {
      args: ["evaluate", "--rows", "both"],
      says: /row both is of a trained agent; expected --adapter-manager and --adapter-answerer/,
    },
    { args: ["evaluate", "--predictions", "none.json"], says: /none\.json: the predictions cannot be read/ },
    { args: ["credit"], says: /missing required argument 'episodes'/ },
    { args: ["credit", "none.jsonl"], says: /none\.jsonl: the episode file cannot be read/ },
    {
      args: ["train", "--episodes", "none.jsonl", "--agent", "answerer", "--credit", "1"],
      says: /--credit: only single decisions of a manager.*--agent answerer/,
    },
    {
      args: ["train", "--episodes", "none.jsonl", "--evidence", "0.1"],
      says: /--evidence: only the answer agent is rewarded for naming memories.*found --agent manager/,
    },
    {
      args: ["train", "--episodes", "none.jsonl", "--adapter-manager", "before"],
      says: /--adapter-manager: the manager is under training.*found before; .*--fork/,
    },
    {
      args: ["train", "--episodes", "none.jsonl", "--agent", "answerer", "--adapter-answerer", "before"],
      says: /--adapter-answerer: the answerer is under training.*found before; .*--fork/,
    },
    {
      args: ["train", "--episodes", "none.jsonl", "--agent", "answerer", "--form", "dialogues"],
      says: /--form: only a manager lives through whole dialogues.*found --agent answerer/,
    },
    {
      args: ["train", "--episodes", "none.jsonl", "--temperature", "0"],
      says: /--temperature: greedy attempts at an item are all equal/,
    },
    {
      args: ["train", "--recipe", "locomo", "--data", "none.json", "--temperature", "0"],
      says: /--temperature: greedy attempts at an item are all equal/,
    },
  ])("$args", async ({ args, says }) => {
    const { code, stderr } = await runCli(...args);
    expect(stderr).toMatch(says);
    expect(code).toBe(2);
  });

  it("a judge that would not be told what was asked", async () => {
    const path = await file("unasked.json", JSON.stringify([{ gold: "a", prediction: "b" }]));
    const { code, stderr } = await runCli("evaluate", "--predictions", path, "--judge", join(folder, "nobody"));
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /unasked\.json, entry 1: a judge needs .*"text" or "question"; .*leave out the judge \(--judge\)/,
    );
  });

  it("a judge that is missing or is none", async () => {
    const path = await file("one.json", JSON.stringify([{ gold: "a", prediction: "b", text: "Which letter?" }]));
    const args = ["evaluate", "--predictions", path, "--judge"];
    expect((await runCli(...args, join(folder, "nobody"))).stderr).toMatch(/the judge is missing/);
    const empty = await file("empty.mjs", "export const other = 1;");
    expect((await runCli(...args, empty)).stderr).toMatch(/the module has no judge; .*found other/);
  });
});

describe.skipIf(!hasTinyModel)("with the tiny model (skipped without its weights)", () => {
  it("credit prints totals and the most helpful operations, and writes them all", async () => {
    const events = await recordWorld();
    const path = await file("episodes.jsonl", events.map((event) => `${JSON.stringify(event)}\n`).join(""));
    const json = join(folder, "credit.json");
    const { code, stdout } = await runCli("credit", path, "--limit", "2", "--max-new-tokens", "24", "--json", json);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Credit of 2 operations by f1/);
    expect(stdout).toMatch(/beyond the limit 2/);
    const report = JSON.parse(await readFile(json, "utf8")) as { operations: { gain: number; questions: unknown[] }[] };
    expect(report.operations).toHaveLength(2);
    for (const { questions } of report.operations) expect(questions.length).toBeGreaterThan(0);
  });
});
