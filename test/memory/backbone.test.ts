import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage } from "@langchain/core/messages";
import { InMemoryStore } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { createMemoryGraph } from "../../src/memory/graph.js";
import { createMemoryManager, type ManagerOptions } from "../../src/memory/manager.js";
import { decisionText, MANAGER_TOOL } from "../../src/memory/manager-output.js";
import type { EpisodeEvent, ModelCall } from "../../src/trace/episode.js";
import { EpisodeRecorder } from "../../src/trace/recorder.js";
import { ollamaServer, openAiServer, type Said } from "./chat-servers.js";
import { operations, ScriptedModel } from "./scripted-model.js";

const namespace = ["memories", "test"];
const turn = { id: "D1:1", speaker: "Ana", text: "I live in Oslo", time: "7 May 2023", facts: ["Ana lives in Oslo"] };
const ADD = operations({ event: "ADD", text: "Ana lives in Oslo" });
const called: Said = { tool: MANAGER_TOOL, arguments: ADD };

/** The store's texts, the step and the model call of one turn. */
async function remember(model: BaseChatModel, options: Partial<ManagerOptions> = {}, streaming = false) {
  const store = new InMemoryStore();
  const events: EpisodeEvent[] = [];
  const recorder = new EpisodeRecorder({ write: (line) => events.push(JSON.parse(line)) });
  const graph = createMemoryManager({ model, store, namespace, ...options }).compile();
  const run = { callbacks: [recorder] };
  if (streaming) for await (const _ of await graph.stream({ turn }, { ...run, streamMode: "messages" }));
  else await graph.invoke({ turn }, run);
  const texts = (await store.search(namespace)).map(({ value }) => value.text);
  const step = events.find((event) => event.type === "memory_step");
  const call = events.find((event): event is ModelCall => event.type === "model_call");
  return { texts, step: step!, call: call! };
}

describe.each([
  ["an OpenAI-compatible server", openAiServer, "fake-openai"],
  ["an Ollama-shaped server", ollamaServer, "fake-ollama"],
] as const)("%s", (_, serve, name) => {
  test("serves all three roles by text, whole and streamed", async () => {
    const said = (body: Record<string, unknown>): Said => {
      const asked = JSON.stringify(body.messages);
      if (asked.includes("You take notes")) return { text: '{"facts":["Ana lives in Oslo"]}' };
      return { text: asked.includes("You keep a memory") ? ADD : "Memories: m1\n**Answer:** Oslo" };
    };
    const { model } = await serve(said);
    const graph = createMemoryGraph({ model, store: new InMemoryStore(), namespace }).compile();
    const { facts: __, ...unread } = turn;
    const input = { turns: [unread], question: { id: "q", text: "Where does Ana live?" } };
    const { answer } = await graph.invoke(input);
    expect(answer).toMatchObject({ answer: "Oslo", selected: ["m1"] });
    const { texts, call } = await remember(model, {}, true);
    expect(texts).toEqual(["Ana lives in Oslo"]);
    expect(call).toMatchObject({ text: ADD, model: expect.stringContaining(name) });
  });

  test.each([
    ["whole", false],
    ["streamed", true],
  ])("lets the manager act by a tool call that comes %s, and the recorder keeps the call", async (__, streaming) => {
    const { model, asked } = await serve(() => called);
    const { texts, step, call } = await remember(model, { managerOutput: "auto" }, streaming);
    expect(texts).toEqual(["Ana lives in Oslo"]);
    expect(step).toMatchObject({ callId: call.id, unparsable: null, operations: JSON.parse(ADD).operations });
    expect(call).toMatchObject({
      role: "manager",
      toolCalls: [{ name: MANAGER_TOOL, args: JSON.parse(ADD) }],
      usage: { inputTokens: 21, outputTokens: 4 },
    });
    expect(asked[0]).toMatchObject({ tools: [{ type: "function", function: { name: MANAGER_TOOL } }] });
  });

  test("is read as text where it answers so, though it was given a tool", async () => {
    const { model } = await serve(() => ({ text: ADD }));
    expect((await remember(model, { managerOutput: "tool" })).texts).toEqual(["Ana lives in Oslo"]);
  });

  test("that says nothing, or 10 MB, leaves an unparsable step and changes nothing", async () => {
    for (const [text, reason] of [
      ["", "no JSON object"],
      [`{"operations":[{"event":"ADD","text":"${"x".repeat(10_000_000)}"}]}`, /longer than 65536/],
    ] as const) {
      const { model } = await serve(() => ({ text }));
      const { texts, step } = await remember(model);
      expect(texts).toEqual([]);
      expect(step).toMatchObject({ changes: [], unparsable: expect.stringMatching(reason) });
    }
  });

  test("that fails lets the run fail and changes nothing", async () => {
    const { model } = await serve(() => ({ status: 503 }));
    const store = new InMemoryStore();
    const graph = createMemoryManager({ model, store, namespace }).compile();
    await expect(graph.invoke({ turn })).rejects.toThrow();
    expect(await store.search(namespace)).toEqual([]);
  });
});

test("a model without tools is asked for text by auto, and refused by tool with its name", async () => {
  const model = new ScriptedModel(ADD);
  expect((await remember(model, { managerOutput: "auto" })).texts).toEqual(["Ana lives in Oslo"]);
  const refused = remember(model, { managerOutput: "tool" });
  await expect(refused).rejects.toThrow(UsageError);
  await expect(refused).rejects.toThrow(/ScriptedModel.*"auto" or "text"/);
});

test("arguments that are no JSON, or of another form, leave an unparsable step with what was called", async () => {
  for (const [said, reason] of [
    [{ tool: MANAGER_TOOL, arguments: '{"operations":[' }, "not closed"],
    [{ tool: MANAGER_TOOL, arguments: '{"operations":[{"event":"ADD"}]}' }, "operations.0.text"],
    [{ tool: "erase_all", arguments: "{}" }, "no JSON object"],
  ] as const) {
    const { model } = await openAiServer(() => said);
    const { texts, step, call } = await remember(model, { managerOutput: "tool" });
    expect(texts).toEqual([]);
    expect(step).toMatchObject({ unparsable: expect.stringContaining(reason), changes: [] });
    expect(call.toolCalls).toMatchObject([{ name: said.tool }]);
  }
});

test("operations of several calls are one decision", () => {
  const call = (id: string, ...list: object[]) => ({ name: MANAGER_TOOL, id, args: { operations: list } });
  const message = new AIMessage({
    content: "",
    tool_calls: [call("1", { event: "DELETE", id: "m1" }), call("2", { event: "ADD", text: "a fact" })],
  });
  expect(decisionText(message)).toBe(operations({ event: "DELETE", id: "m1" }, { event: "ADD", text: "a fact" }));
});

test.each([null, ""])(
  "properties of a tool call that are %j are not there; in a text they are refused",
  async (none) => {
    const args = {
      operations: [
        { event: "ADD", id: none, fact: "f1", text: none },
        { event: "NOOP", id: none, fact: none, text: none },
      ],
    };
    const tool_calls = [{ name: MANAGER_TOOL, args, id: "1", type: "tool_call" as const }];
    const { texts } = await remember(new ScriptedModel(() => new AIMessage({ content: "", tool_calls })));
    expect(texts).toEqual(["Ana lives in Oslo"]);
    const { step } = await remember(new ScriptedModel(JSON.stringify(args)));
    expect(step.unparsable).not.toBeNull();
  },
);
