import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AIMessage } from "@langchain/core/messages";
import { InMemoryStore, MemorySaver } from "@langchain/langgraph";
import { afterAll, expect, test } from "vitest";
import { FileError } from "../../src/errors.js";
import { MemoryBank } from "../../src/memory/bank/bank.js";
import { addOnly } from "../../src/memory/controls.js";
import { createMemoryGraph } from "../../src/memory/graph.js";
import { createMemoryManager } from "../../src/memory/manager.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { bankBefore } from "../../src/replay/replay.js";
import type { EpisodeEvent, MemoryStep, ModelCall } from "../../src/trace/episode.js";
import { episodesFromLangSmith, readLangSmithRuns } from "../../src/trace/from-langsmith.js";
import { readEpisodes } from "../../src/trace/read.js";
import { EpisodeRecorder } from "../../src/trace/recorder.js";
import { exportSpans } from "../../src/trace/spans.js";
import { langSmithRuns } from "../../src/trace/to-langsmith.js";
import { runCli } from "../cli/run-cli.js";
import { operations, ScriptedModel } from "../memory/scripted-model.js";

const folder = mkdtempSync(join(tmpdir(), "langsmith-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** One recorded run: three model calls, a step, an answer with a reward; each second something happens. */
async function recorded(): Promise<EpisodeEvent[]> {
  const events: EpisodeEvent[] = [];
  let second = 0;
  const now = () => new Date(Date.UTC(2024, 0, 2, 3, 4, second++));
  const recorder = new EpisodeRecorder({ write: (line) => events.push(JSON.parse(line)), now });
  const manage = new AIMessage({
    content: operations({ event: "ADD", text: "Ana lives in Oslo" }),
    // The type of a bare AIMessage has no place for what real models report.
    usage_metadata: { input_tokens: 12, output_tokens: 3, total_tokens: 15 } as never,
    response_metadata: {
      model_name: "tiny",
      finish_reason: "stop",
      prompt_ids: [1, 2],
      response_ids: [3],
      response_logprobs: [-0.5],
      sampling: { temperature: 1, maxNewTokens: 64, seed: 7, stop: ["#"] },
      policy_version: "manager@2",
    },
  });
  const replies: Record<string, string | AIMessage> = {
    extract: '{"facts":["Ana lives in Oslo"]}',
    manage,
    answer: "Memories: m1\n**Answer:** Oslo",
  };
  const model = new ScriptedModel(([system]) => replies[system!.text]!);
  const graph = createMemoryGraph({ model, store: new InMemoryStore(), prompts: compactPrompts }).compile({
    checkpointer: new MemorySaver(),
  });
  await graph.invoke(
    {
      turns: [{ id: "D1:1", speaker: "Ana", text: "I live in Oslo", time: "7 May 2023" }],
      question: { id: "q1", text: "Where does Ana live?" },
    },
    { callbacks: [recorder], configurable: { thread_id: "t7" } },
  );
  recorder.reward({ of: events.find(({ type }) => type === "answer")!.id, name: "exact-match", value: 1 });
  return events;
}

test("what is exported to LangSmith's form and imported again is the episode, but for its rewards", async () => {
  const events = await recorded();
  const exported: unknown = JSON.parse(JSON.stringify(langSmithRuns(events)));
  const imported = episodesFromLangSmith(exported as unknown[]);
  const without = (list: readonly EpisodeEvent[]) =>
    new Map(list.filter(({ type }) => type !== "reward").map((event) => [event.id, event]));
  expect(without(imported)).toEqual(without(events));
});

test("an undo is exported too, so that the bank is rebuilt without what was taken back", async () => {
  const events: EpisodeEvent[] = [];
  const recorder = new EpisodeRecorder({ write: (line) => events.push(JSON.parse(line)) });
  const store = new InMemoryStore();
  const manager = createMemoryManager({ decide: addOnly, store, namespace: ["u"], history: true }).compile();
  const tell = (id: string, fact: string) =>
    manager.invoke({ turn: { id, speaker: "Ana", text: "", time: "", facts: [fact] } }, { callbacks: [recorder] });
  await tell("1", "Ana likes tea");
  await new MemoryBank({ store, namespace: ["u"], history: true }).undo({ turn: "1" }, { callbacks: [recorder] });
  const { step } = await tell("2", "Ana likes coffee");
  const imported = episodesFromLangSmith(JSON.parse(JSON.stringify(langSmithRuns(events))) as unknown[]);
  expect(imported.map(({ type }) => type)).toEqual(["memory_step", "undo", "memory_step"]);
  expect(await (await bankBefore(imported, step!.id)).bank.list()).toEqual([]);
  const names = exportSpans(events).resourceSpans[0].scopeSpans[0].spans.map(({ name }) => name);
  expect(names).toContain("memory_r1.undo");
});

test("exported runs hang under one root in one trace, in the order of their times", async () => {
  const [root, ...children] = langSmithRuns(await recorded());
  expect(root).toMatchObject({
    parent_run_id: null,
    run_type: "chain",
    dotted_order: expect.stringMatching(/^20240102T030400000000Z/),
  });
  expect(children.map(({ run_type }) => run_type)).toEqual(["llm", "llm", "chain", "llm", "chain"]);
  for (const run of children) {
    expect(run).toMatchObject({ trace_id: root!.id, parent_run_id: root!.id });
    expect(run.dotted_order.startsWith(`${root!.dotted_order}.`)).toBe(true);
    expect(run.dotted_order.endsWith(run.id)).toBe(true);
  }
});

/** Runs as exports hold them: LangChain's serialised messages, times without a zone, feedback summed up. */
function exportedRuns(step: MemoryStep) {
  const message = (name: string, content: unknown, more: object = {}) => ({
    lc: 1,
    type: "constructor",
    id: ["langchain_core", "messages", name],
    kwargs: { content, ...more },
  });
  const { type: _, at: __, run: ___, ...output } = step;
  return [
    {
      id: "n1",
      name: "apply",
      run_type: "chain",
      start_time: "2024-01-02T03:04:07",
      end_time: "2024-01-02T03:04:08",
      trace_id: "t1",
      inputs: {},
      outputs: { step: output },
      extra: { metadata: { thread_id: "t7", langgraph_node: "apply" } },
      feedback_stats: { helpful: { n: 2, avg: 0.5 } },
    },
    {
      id: step.callId,
      name: "ChatOpenAI",
      run_type: "llm",
      start_time: "2024-01-02T03:04:05",
      end_time: "2024-01-02T03:04:06.500",
      trace_id: "t1",
      inputs: {
        messages: [[message("SystemMessage", "manage"), message("HumanMessage", [{ type: "text", text: "facts" }])]],
      },
      outputs: {
        generations: [
          [
            {
              text: "",
              message: message("AIMessage", "", {
                tool_calls: [{ name: "manage_memory", args: { operations: [] }, id: "c1", type: "tool_call" }],
                usage_metadata: { input_tokens: 5, output_tokens: 2, total_tokens: 7 },
                response_metadata: { model_name: "gpt", finish_reason: "tool_calls" },
              }),
            },
          ],
        ],
      },
      extra: { metadata: { memory_r1_role: "manager", langgraph_node: "manage" } },
    },
  ];
}

test("an export of LangChain runs becomes calls, steps and rewards, by time, and the bank can be rebuilt from it", async () => {
  const [step] = (await recorded()).filter((event): event is MemoryStep => event.type === "memory_step");
  const events = episodesFromLangSmith(exportedRuns(step!));
  expect(events).toMatchObject([
    {
      type: "model_call",
      role: "manager",
      model: "gpt",
      at: "2024-01-02T03:04:06.500Z",
      startedAt: "2024-01-02T03:04:05.000Z",
      messages: [
        { role: "system", content: "manage" },
        { role: "user", content: "facts" },
      ],
      toolCalls: [{ name: "manage_memory", args: { operations: [] }, id: "c1" }],
      usage: { inputTokens: 5, outputTokens: 2 },
      run: { runId: "t1", node: "manage" },
    },
    { type: "memory_step", id: step!.id, callId: step!.callId, run: { runId: "t1", threadId: "t7" } },
    { type: "reward", of: step!.id, name: "helpful", value: 0.5 },
  ]);
  expect(await (await bankBefore(events, step!.id)).bank.list()).toEqual([]);
});

test("runs of OpenAI's own client are read as well, and runs that failed keep their error", () => {
  const run = {
    id: "r",
    run_type: "llm",
    start_time: "2024-01-02T03:04:05Z",
    inputs: { messages: [{ role: "user", content: "Hi" }] },
  };
  const choices = [{ message: { role: "assistant", content: "Hello" } }];
  const call = { id: "c1", type: "function", function: { name: "record", arguments: '{"facts":["a"]}' } };
  const cut = { id: "c2", type: "function", function: { name: "record", arguments: '{"facts":' } };
  const called = { message: { role: "assistant", content: null, tool_calls: [call, cut] } };
  const [said, asked, failed] = episodesFromLangSmith([
    { ...run, outputs: { choices } },
    { ...run, id: "t", outputs: { choices: [called] } },
    { ...run, id: "s", outputs: null, error: "overloaded" },
  ]) as ModelCall[];
  expect(said).toMatchObject({ messages: [{ role: "user", content: "Hi" }], text: "Hello" });
  expect(asked!.toolCalls).toEqual([
    { id: "c1", name: "record", args: { facts: ["a"] } },
    { id: "c2", name: "record", args: '{"facts":' },
  ]);
  expect(failed).toMatchObject({ text: "", error: "overloaded" });
});

test("what is no run, or no JSON, is refused by its place", () => {
  expect(() => episodesFromLangSmith([{ id: "a", run_type: "llm", start_time: 0 }, { name: "b" }])).toThrow(
    /run 2.*id/,
  );
  const path = join(folder, "broken.jsonl");
  writeFileSync(path, '{"id":"a"}\n{"id":');
  expect(() => readLangSmithRuns(path)).toThrow(FileError);
  expect(() => readLangSmithRuns(path)).toThrow(/broken\.jsonl:2/);
  expect(() => readLangSmithRuns(join(folder, "none"))).toThrow(/cannot be read/);
});

test("memory-r1 import writes an episode file that can be read, and never over another", async () => {
  const runs = join(folder, "runs.jsonl");
  const out = join(folder, "episodes.jsonl");
  const exported = langSmithRuns(await recorded());
  writeFileSync(runs, exported.map((run) => `${JSON.stringify(run)}\n`).join(""));
  const first = await runCli("import", runs, "-o", out);
  expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining("3 model calls, 1 memory steps, 1 answers") });
  expect(readEpisodes(out)).toHaveLength(5);
  const written = readFileSync(out, "utf8");
  const again = await runCli("import", runs, "-o", out);
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("not there yet") });
  expect(readFileSync(out, "utf8")).toBe(written);
});

test("spans carry the attributes of the conventions for generative AI, in one trace with durations, and no content unless asked", async () => {
  const events = await recorded();
  const { resourceSpans } = exportSpans(events, { serviceName: "shop" });
  const [{ resource, scopeSpans }] = resourceSpans;
  expect(resource.attributes).toEqual([{ key: "service.name", value: { stringValue: "shop" } }]);
  const { spans } = scopeSpans[0];
  expect(spans.map(({ name }) => name)).toEqual([
    "invoke_agent memory-r1",
    "chat",
    "chat tiny",
    "execute_tool manage_memory",
    "chat",
    "memory_r1.answer",
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(spans[0]!.traceId).toMatch(/^[0-9a-f]{32}$/);
  for (const span of spans.slice(1)) expect(span.parentSpanId).toBe(spans[0]!.spanId);
  const manage = spans[2]!;
  expect(BigInt(manage.endTimeUnixNano) - BigInt(manage.startTimeUnixNano)).toBe(1_000_000_000n);
  const attributes = Object.fromEntries(manage.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  expect(attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.agent.name": "manager",
    "gen_ai.request.model": "tiny",
    "gen_ai.request.temperature": 1,
    "gen_ai.request.max_tokens": "64",
    "gen_ai.request.seed": "7",
    "gen_ai.usage.input_tokens": "12",
    "gen_ai.usage.output_tokens": "3",
    "gen_ai.conversation.id": "t7",
    "memory_r1.policy_version": "manager@2",
  });
  expect(spans[5]!.attributes).toContainEqual({ key: "memory_r1.reward.exact-match", value: { doubleValue: 1 } });
  expect(JSON.stringify(resourceSpans)).not.toContain("Oslo");
  expect(JSON.stringify(exportSpans(events, { content: true }))).toContain("Oslo");
  expect(exportSpans(events, { serviceName: "shop" })).toEqual({ resourceSpans });
});
