import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AIMessage } from "@langchain/core/messages";
import { InMemoryStore, MemorySaver } from "@langchain/langgraph";
import { afterEach, beforeEach, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { addOnly } from "../../src/memory/controls.js";
import { createMemoryGraph } from "../../src/memory/graph.js";
import { createMemoryManager } from "../../src/memory/manager.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import type { Answer, EpisodeEvent, MemoryStep, ModelCall } from "../../src/trace/episode.js";
import { readEpisodes } from "../../src/trace/read.js";
import { EpisodeRecorder } from "../../src/trace/recorder.js";
import { operations, ScriptedModel } from "../memory/scripted-model.js";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "episodes-"));
  path = join(folder, "runs", "episode.jsonl");
});

afterEach(() => rmSync(folder, { recursive: true }));

const now = () => new Date("2024-01-02T03:04:05Z");
const turn = { id: "D1:1", speaker: "Ana", text: "I live in Oslo", time: "7 May 2023" };

function model() {
  const replies: Record<string, string | AIMessage> = {
    extract: '{"facts":["Ana lives in Oslo"]}',
    manage: new AIMessage({
      content: operations({ event: "ADD", text: "Ana lives in Oslo" }),
      response_metadata: {
        prompt_ids: [1, 2],
        response_ids: [3],
        response_logprobs: [-0.5],
        finish_reason: "stop",
        policy_version: "manager@2",
        sampling: { temperature: 1, seed: 7 },
        model_name: "tiny",
      },
    }),
    answer: "Memories: m1\n**Answer:** Oslo",
  };
  return new ScriptedModel(([system]) => replies[system!.text]!);
}

function memoryGraph() {
  const options = { model: model(), store: new InMemoryStore(), prompts: compactPrompts };
  return createMemoryGraph(options).compile({ checkpointer: new MemorySaver() });
}

async function record(callbacks: EpisodeRecorder[]) {
  const question = { id: "q1", text: "Where does Ana live?", gold: "Oslo" };
  await memoryGraph().invoke({ turns: [turn], question }, { callbacks, configurable: { thread_id: "t7" } });
}

const of = <T extends EpisodeEvent>(events: EpisodeEvent[], type: T["type"]) =>
  events.filter((event): event is T => event.type === type);

test("a run leaves its model calls, memory step and answer, joined by ids, with the run's thread and checkpoint", async () => {
  const recorder = new EpisodeRecorder({ path, now });
  await record([recorder]);
  recorder.close();
  const events = readEpisodes(path);
  expect(events.map((event) => event.type)).toEqual([
    "model_call",
    "model_call",
    "memory_step",
    "model_call",
    "answer",
  ]);
  const [extract, manage, answer] = of<ModelCall>(events, "model_call");
  const [step] = of<MemoryStep>(events, "memory_step");
  const [reply] = of<Answer>(events, "answer");
  expect(step!.callId).toBe(manage!.id);
  expect(reply!.callId).toBe(answer!.id);
  expect([extract, manage, answer].map((call) => call!.role)).toEqual(["extractor", "manager", "answerer"]);
  expect(manage).toMatchObject({
    at: "2024-01-02T03:04:05.000Z",
    model: "tiny",
    messages: [
      { role: "system", content: "manage" },
      { role: "user", content: "Facts (Ana, 7 May 2023):\n- Ana lives in Oslo\nMemories:\n(none)" },
    ],
    promptIds: [1, 2],
    responseIds: [3],
    logprobs: [-0.5],
    finishReason: "stop",
    policyVersion: "manager@2",
    sampling: { temperature: 1, seed: 7 },
  });
  expect(reply).toMatchObject({ answer: "Oslo", selected: ["m1"], question: { gold: "Oslo" } });
  expect(new Set(events.map((event) => ("run" in event ? event.run.runId : ""))).size).toBe(1);
  for (const event of events) {
    expect(event).toMatchObject({
      run: { threadId: "t7", node: expect.any(String), checkpointNamespace: expect.any(String) },
    });
  }
  expect(step!.run.node).toBe("apply");
  expect(manage!.run.node).toBe("manage");
});

test("an event names the checkpoint from which its node ran", async () => {
  const recorder = new EpisodeRecorder({ path });
  const graph = createMemoryManager({ model: model(), store: new InMemoryStore(), prompts: compactPrompts }).compile({
    checkpointer: new MemorySaver(),
  });
  await graph.invoke({ turn }, { callbacks: [recorder], configurable: { thread_id: "t7" } });
  for (const event of readEpisodes(path)) {
    const { checkpointId, node } = (event as ModelCall | MemoryStep).run;
    const state = await graph.getState({ configurable: { thread_id: "t7", checkpoint_id: checkpointId } });
    expect(state.next).toEqual([node]);
  }
});

test("a recorder that is attached twice, even to the model itself, writes each event once", async () => {
  const recorder = new EpisodeRecorder({ path });
  const own = model();
  own.callbacks = [recorder];
  const graph = createMemoryManager({
    model: own,
    store: new InMemoryStore(),
    namespace: ["n"],
    prompts: compactPrompts,
  }).compile();
  await graph.invoke({ turn }, { callbacks: [recorder, recorder] });
  expect(readEpisodes(path).map((event) => event.type)).toEqual(["model_call", "model_call", "memory_step"]);
  expect(readFileSync(path, "utf8").trimEnd().split("\n")).toHaveLength(3);
});

test("a failed model call is recorded with its error and its messages", async () => {
  const recorder = new EpisodeRecorder({ path });
  const broken = new ScriptedModel(() => {
    throw new Error("out of memory");
  });
  const graph = createMemoryManager({
    model: broken,
    store: new InMemoryStore(),
    namespace: ["n"],
    prompts: compactPrompts,
  });
  await expect(graph.compile().invoke({ turn }, { callbacks: [recorder] })).rejects.toThrow("out of memory");
  const [call] = readEpisodes(path);
  expect(call).toMatchObject({ type: "model_call", role: "extractor", error: expect.stringMatching("out of memory") });
  expect(call).toHaveProperty("messages.0.content", "extract");
});

test("a file that is opened again is continued: known ids are not written twice, and a cut last line is dropped", async () => {
  const first = new EpisodeRecorder({ path });
  await record([first]);
  first.reward({ of: "a", name: "f1", value: 0.5 });
  first.close();
  const whole = readFileSync(path, "utf8");
  appendFileSync(path, '{"type":"reward","id":"é');
  const second = new EpisodeRecorder({ path });
  second.reward({ of: "a", name: "f1", value: 0.7 });
  second.reward({ of: "b", name: "f1", value: 1 });
  second.close();
  const events = readEpisodes(path);
  expect(readFileSync(path, "utf8").startsWith(whole)).toBe(true);
  expect(events.slice(-2)).toMatchObject([
    { of: "a", value: 0.5 },
    { of: "b", value: 1 },
  ]);
  expect(events).toHaveLength(7);
});

test("a file of another kind is not continued", () => {
  appendFileSync(join(folder, "notes.txt"), "some notes\n");
  expect(() => new EpisodeRecorder({ path: join(folder, "notes.txt") })).toThrow(/notes\.txt:1.*not JSON/);
  expect(readFileSync(join(folder, "notes.txt"), "utf8")).toBe("some notes\n");
});

test.each([
  ["a list", '[{"id":"one line of something else"}]'],
  ["an object of another type", '{"type":"FeatureCollection","features":[]}'],
  ["a word", "notes"],
])("a file of %s without a line feed is not continued, and keeps what it holds", (_, content) => {
  const other = join(folder, "scores.json");
  writeFileSync(other, content);
  expect(() => new EpisodeRecorder({ path: other })).toThrow(
    expect.objectContaining({ what: "the file holds something else than episodes", where: other }),
  );
  expect(readFileSync(other, "utf8")).toBe(content);
});

test("a line of any kind that was cut off early or late is dropped, and all before it is kept", async () => {
  const recorder = new EpisodeRecorder({ path });
  await record([recorder]);
  recorder.reward({ of: "a", name: "f1", value: 1 });
  recorder.close();
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  for (const [at, line] of lines.entries()) {
    const whole = lines.slice(0, at).map((before) => `${before}\n`);
    for (const end of [1, 9, 12, 30, line.length]) {
      writeFileSync(path, `${whole.join("")}${line.slice(0, end)}`);
      new EpisodeRecorder({ path }).close();
      expect(readFileSync(path, "utf8")).toBe(whole.join(""));
    }
  }
});

test("a line that can't be written fails the run rather than leave a hole in the episode", async () => {
  const recorder = new EpisodeRecorder({
    write: () => {
      throw new Error("disk full");
    },
  });
  const graph = createMemoryManager({ decide: addOnly, store: new InMemoryStore(), namespace: ["n"] }).compile();
  const run = graph.invoke({ turn: { ...turn, facts: ["a"] } }, { callbacks: [recorder] });
  await expect(run).rejects.toThrow("disk full");
});

test("a closed recorder says so", () => {
  const recorder = new EpisodeRecorder({ path });
  recorder.close();
  recorder.close();
  expect(() => recorder.reward({ of: "a", name: "f1", value: 1 })).toThrow(/closed/);
});

test.each([Number.NaN, Number.NEGATIVE_INFINITY])("the reward %d is refused, and the file stays readable", (value) => {
  const recorder = new EpisodeRecorder({ path });
  expect(() => recorder.reward({ of: "a", name: "f1", value })).toThrow(UsageError);
  recorder.reward({ of: "a", name: "f1", value: 1 });
  recorder.close();
  expect(readEpisodes(path)).toMatchObject([{ of: "a", name: "f1", value: 1 }]);
});

test("a custom event that only borrows the name is refused", async () => {
  const recorder = new EpisodeRecorder({ write: () => undefined });
  expect(() => recorder.handleCustomEvent("memory-r1:answer", { id: 1 }, "run")).toThrow(/not what its name promises/);
  expect(() => recorder.handleCustomEvent("other", { id: 1 }, "run")).not.toThrow();
});
