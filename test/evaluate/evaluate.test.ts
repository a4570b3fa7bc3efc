import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ContextLengthError, FileError, UsageError } from "../../src/errors.js";
import type { Dialogue } from "../../src/evaluate/dialogue.js";
import { type EvaluateOptions, evaluate } from "../../src/evaluate/evaluate.js";
import { EvaluationLog } from "../../src/evaluate/evaluation-log.js";
import { extractDialogueFacts } from "../../src/evaluate/extract-facts.js";
import { playDialogues } from "../../src/evaluate/play.js";
import { chooseRows } from "../../src/evaluate/rows.js";
import { paperRetrieval } from "../../src/memory/bank/retrieve.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { ChatOnnx } from "../../src/model/chat/chat-onnx.js";
import { CachedEmbeddings } from "../../src/store/search/cached-embeddings.js";
import { LexicalEmbeddings } from "../../src/store/search/lexical-embeddings.js";
import { lastText, ScriptedModel } from "../memory/scripted-model.js";
import { byteTokenizer } from "../model/fake-engine.js";
import { addFacts } from "../train/recorded-world.js";
import { ScriptedEngine } from "../train/scripted-engine.js";
import { addingManager, knowingAnswerer, newStore, smallWorld } from "./played-world.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "memory-r1-evaluate-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const dialogues = smallWorld();
const prompts = compactPrompts;
const embeddings = new CachedEmbeddings(new LexicalEmbeddings());
const questions = dialogues.flatMap((dialogue) => dialogue.questions);
const withFacts = dialogues.flatMap(({ turns }) => turns.filter(({ facts }) => facts.length > 0));

interface Setup extends Partial<EvaluateOptions> {
  readonly rowNames?: readonly string[];
  readonly played?: readonly Dialogue[];
}

const run = ({ rowNames = ["base"], models, log = new EvaluationLog(), played = dialogues, ...rest }: Setup = {}) =>
  evaluate(played, {
    rows: chooseRows(rowNames),
    models: {
      managers: { base: addingManager(), trained: addingManager() },
      answerers: { base: knowingAnswerer(dialogues), trained: knowingAnswerer(dialogues) },
      plain: new ScriptedModel("Oslo\n"),
      prompts,
      ...models,
    },
    embeddings,
    retrieval: paperRetrieval,
    facts: "observation",
    log,
    seed: 1,
    ...rest,
  });

describe("an evaluation", () => {
  it("decides and answers as the project's graphs do", async () => {
    const manager = addingManager();
    const answerer = knowingAnswerer(dialogues);
    const [scores] = await run({ models: { managers: { base: manager }, answerers: { base: answerer }, prompts } });
    const graphs = { manager: addingManager(), answerer: knowingAnswerer(dialogues) };
    const played = await playDialogues(dialogues, { ...graphs, prompts }, { store: newStore() });
    const texts = (model: ScriptedModel) => model.asked.map(lastText).sort();
    expect(texts(manager)).toEqual(texts(graphs.manager));
    expect(texts(answerer)).toEqual(texts(graphs.answerer));
    expect(scores!.bank!.bankSize).toBe(played.reduce((sum, { bankSize }) => sum + bankSize, 0) / 2);
    expect(scores).toMatchObject({ facts: "observation", conversations: 2, questions: questions.length });
    expect(scores!.metrics).toMatchObject({ f1: 1, "strict-exact-match": 1 });
    expect(scores!.evidenceRecall).toBe(1);
    expect(scores!.cost!.manager.calls).toBe(withFacts.length);
  });

  it("leaves out a question that follows a turn which is not played, though its evidence was said", async () => {
    const [dialogue] = dialogues;
    const [first, second] = dialogue!.turns;
    const ask = (id: string, after: string) => ({ id, text: `${id}?`, gold: "x", evidence: [first!.id], after });
    const asking = { ...dialogue!, questions: [ask("now", first!.id), ask("later", second!.id), ask("never", "D9:9")] };
    expect(await run({ played: [asking], turns: 1 })).toMatchObject([{ questions: 1 }]);
    expect(await run({ played: [asking] })).toMatchObject([{ questions: 2 }]);
  });

  it("builds one bank for all rows of a manager, and none for rows over raw turns", async () => {
    const managers = { base: addingManager(), trained: addingManager() };
    const all = await run({
      rowNames: ["none", "bm25", "evidence", "full-agent", "base", "answerer", "both", "NOOP", "ADD-only"],
      models: {
        managers,
        answerers: { base: knowingAnswerer(dialogues), trained: knowingAnswerer(dialogues) },
        prompts,
        plain: new ScriptedModel("x"),
      },
    });
    expect(managers.base.asked).toHaveLength(withFacts.length);
    expect(managers.trained.asked).toHaveLength(withFacts.length);
    const byName = new Map(all.map((scores) => [scores.name, scores]));
    expect([...byName.keys()]).toEqual([
      "none",
      "bm25",
      "evidence",
      "full-agent",
      "base",
      "ADD-only",
      "NOOP",
      "answerer",
      "both",
    ]);
    expect(byName.get("none")).toMatchObject({ facts: null, bank: null, evidenceRecall: 0, memoriesShown: 0 });
    expect(byName.get("evidence")).toMatchObject({ evidenceRecall: 1 });
    expect(byName.get("full-agent")).toMatchObject({ memoriesShown: 8, evidenceRecall: 1 });
    expect(byName.get("NOOP")!.bank).toMatchObject({ bankSize: 0, managerUnparsable: null, operations: { ADD: 0 } });
    expect(byName.get("ADD-only")!.bank!.operations.ADD).toBe(withFacts.flatMap(({ facts }) => facts).length);
  });

  it("tells how much of the evidence the answerer named as used: none, some or all of what it was shown", async () => {
    const naming = async (named: string) => {
      const answerers = { base: new ScriptedModel(`Memories: ${named}\n**Answer:** x`) };
      const plain = new ScriptedModel("x");
      const models = { managers: { base: addingManager() }, answerers, prompts, plain };
      const all = await run({ rowNames: ["evidence", "full-agent", "base"], models });
      return all.map(({ evidenceSelected }) => evidenceSelected);
    };
    const everything = Array.from({ length: 60 }, (_, at) => `m${at + 1}`).join(", ");
    expect(await naming("none")).toEqual([null, 0, 0]);
    expect(await naming(everything)).toEqual([null, 1, 1]);
    const [, raw, bank] = await naming("m1");
    for (const share of [raw, bank]) {
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThan(1);
    }
  });

  it("gives intervals by questions and by conversations, and numbers by category", async () => {
    const half = new ScriptedModel((messages) =>
      lastText(messages).endsWith(questions[0]!.text)
        ? `Memories: m1\n**Answer:** ${questions[0]!.gold}`
        : "**Answer:** -",
    );
    const [scores] = await run({ models: { managers: { base: addingManager() }, answerers: { base: half }, prompts } });
    const [low, high] = scores!.intervals.f1!.questions;
    expect(low).toBeLessThan(scores!.metrics.f1!);
    expect(high).toBeGreaterThan(scores!.metrics.f1!);
    expect(scores!.intervals.f1!.conversations).not.toBeNull();
    const counts = Object.values(scores!.categories).map((one) => one.questions);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(questions.length);
  });

  it("counts what the context has no room for as not answered, apart from what cannot be read", async () => {
    const full = new ScriptedModel(() => {
      throw new ContextLengthError({ what: "too long", remedy: "shorten" });
    });
    const [scores] = await run({ models: { managers: { base: full }, answerers: { base: full }, prompts } });
    expect(scores).toMatchObject({
      tooLong: 1,
      answererUnparsable: 0,
      metrics: { f1: 0 },
      cost: { manager: { calls: 0 } },
    });
    expect(scores!.bank).toMatchObject({ managerTooLong: withFacts.length, managerUnparsable: null, bankSize: 0 });
  });

  it("lets a judge mark what was said, never what was not", async () => {
    const judge = new ScriptedModel((messages) =>
      /mark: (.*)/.exec(lastText(messages))![1] === questions[0]!.gold ? '{"correct": true}' : "no idea",
    );
    const mute = new ScriptedModel((messages) =>
      lastText(messages).includes(`Question: ${questions[1]!.text}`) ? "" : knowing(messages),
    );
    const knowing = (messages: Parameters<typeof lastText>[0]) => {
      const gold = questions.find(({ text }) => lastText(messages).endsWith(text))!.gold;
      return `Memories: m1\n**Answer:** ${gold}`;
    };
    const [scores] = await run({
      models: { managers: { base: addingManager() }, answerers: { base: mute }, prompts, judge },
    });
    const right = questions.filter(({ gold }) => gold === questions[0]!.gold).length;
    const silent = questions.filter(({ text }) => text === questions[1]!.text).length;
    expect(judge.asked).toHaveLength(questions.length - silent);
    expect(scores!.metrics.judge).toBeCloseTo(right / questions.length, 12);
    expect(scores!.judgeUnparsable).toBe(questions.length - silent - right);
  });

  it("asks the decisions of all speakers of several conversations in one batch, round by round", async () => {
    const engine = new ScriptedEngine(({ prompt }) =>
      prompt.startsWith("system: manage") ? addFacts(prompt) : "**Answer:** x",
    );
    const batches: number[] = [];
    const counting = new Proxy(engine, {
      get: (target, name) =>
        name !== "generate"
          ? Reflect.get(target, name)
          : (...args: Parameters<ScriptedEngine["generate"]>) => {
              batches.push(args[0].length);
              return target.generate(...args);
            },
    });
    const model = new ChatOnnx({ engine: counting, tokenizer: byteTokenizer, maxNewTokens: 300 });
    const four = smallWorld(4);
    await evaluate(four, {
      rows: chooseRows(["base"]),
      models: { managers: { base: model }, answerers: { base: model }, prompts },
      embeddings,
      retrieval: paperRetrieval,
      facts: "observation",
      log: new EvaluationLog(),
      seed: 1,
      questions: 0,
    });
    const decisions = four.flatMap(({ speakers, turns }) =>
      speakers.map((one) => turns.filter(({ speaker, facts }) => speaker === one && facts.length > 0).length),
    );
    const rounds = Array.from(
      { length: Math.max(...decisions) },
      (_, round) => decisions.filter((count) => count > round).length,
    );
    expect(batches).toEqual(rounds);
  });

  it("refuses a row whose model is missing before it asks anyone", async () => {
    const base = addingManager();
    const broken = run({ rowNames: ["base", "both"], models: { managers: { base }, answerers: { base }, prompts } });
    await expect(broken).rejects.toThrow(UsageError);
    expect(base.asked).toHaveLength(0);
  });
});

describe("a log of results", () => {
  it("lets a second run go on where the first one stopped, to the same scores", async () => {
    const rowNames = ["bm25", "base", "ADD-only"];
    const whole = await run({ rowNames });
    for (const stopAfter of [3, 14]) {
      const path = join(folder, `stopped-${stopAfter}.jsonl`);
      const stop = new AbortController();
      const log = new EvaluationLog(path);
      let seen = 0;
      const first = run({
        rowNames,
        log,
        signal: stop.signal,
        concurrency: 1,
        onProgress: (_, { done }) => {
          if (done > 0 && ++seen === stopAfter) stop.abort(new Error("enough"));
        },
      });
      await expect(first).rejects.toThrow("enough");
      log.close();
      const before = (await readFile(path, "utf8")).split("\n").length - 1;
      expect(before).toBeGreaterThan(0);
      const again = new EvaluationLog(path);
      expect(await run({ rowNames, log: again })).toEqual(whole);
      again.close();
      // Nothing was done twice.
      const lines = (await readFile(path, "utf8")).trim().split("\n");
      expect(new Set(lines).size).toBe(lines.length);
      const decided = lines.filter((line) => line.startsWith('{"type":"step"'));
      expect(decided).toHaveLength(withFacts.length);
    }
  });

  it("asks nobody where all is known", async () => {
    const path = join(folder, "done.jsonl");
    const log = new EvaluationLog(path);
    const first = await run({
      log,
      models: { managers: { base: addingManager() }, answerers: { base: knowingAnswerer(dialogues) }, prompts },
    });
    log.close();
    const silent = new ScriptedModel(() => {
      throw new Error("asked again");
    });
    const again = new EvaluationLog(path);
    expect(
      await run({ log: again, models: { managers: { base: silent }, answerers: { base: silent }, prompts } }),
    ).toEqual(first);
    again.close();
  });

  it("keeps the facts that an extractor found", async () => {
    const path = join(folder, "facts.jsonl");
    const extractor = new ScriptedModel('{"facts":["a fact"]}');
    const log = new EvaluationLog(path);
    const first = await extractDialogueFacts(dialogues, extractor, { prompts, log, turns: 3 });
    log.close();
    const again = new EvaluationLog(path);
    expect(await extractDialogueFacts(dialogues, extractor, { prompts, log: again, turns: 3 })).toEqual(first);
    again.close();
    expect(extractor.asked).toHaveLength(6);
  });

  it("refuses other settings and names them with both values; parts have settings of their own", () => {
    const path = join(folder, "settings.jsonl");
    const log = new EvaluationLog(path);
    log.require("all", { seed: 1, turns: null });
    log.require("answerer", { weights: "a" });
    log.close();
    const again = new EvaluationLog(path);
    again.require("all", { seed: 1, turns: null });
    again.require("manager", { weights: "b" });
    expect(() => again.require("answerer", { weights: "b" })).toThrow(/weights "a"; found weights "b"/);
    expect(() => again.require("all", { seed: 2, turns: 4 })).toThrow(/seed 1, turns null; found seed 2, turns 4/);
    again.close();
  });

  it("removes a last line that a crash cut off, and leaves other files alone", async () => {
    const path = join(folder, "cut.jsonl");
    const log = new EvaluationLog(path);
    log.require("all", { seed: 1 });
    log.close();
    const whole = await readFile(path, "utf8");
    await writeFile(path, `${whole}{"type":"ans`);
    new EvaluationLog(path).close();
    expect(await readFile(path, "utf8")).toBe(whole);
    for (const content of ["{}\n", "no json\n", '[{"id":"one line of something else"}]']) {
      await writeFile(path, content);
      expect(() => new EvaluationLog(path)).toThrow(FileError);
      expect(await readFile(path, "utf8")).toBe(content);
    }
    expect(() => new EvaluationLog(folder)).toThrow(FileError);
  });
});
