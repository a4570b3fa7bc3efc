import { InMemoryCache } from "@langchain/core/caches";
import {
  AIMessage,
  type AIMessageChunk,
  ChatMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from "@langchain/core/messages";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { FakeTracer } from "@langchain/core/utils/testing";
import { MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { ContextLengthError, UsageError } from "../../../src/errors.js";
import type { ChatOnnxMetadata } from "../../../src/model/chat/chat-call.js";
import { ChatOnnx, type ChatOnnxFields } from "../../../src/model/chat/chat-onnx.js";
import { byteTokenizer, endId, FakeEngine, type FakeEngineOptions } from "../fake-engine.js";

function chat(
  fields: Partial<ChatOnnxFields> = {},
  options: FakeEngineOptions = {},
): { model: ChatOnnx; engine: FakeEngine } {
  const engine = new FakeEngine(options);
  return { model: new ChatOnnx({ tokenizer: byteTokenizer, ...fields, engine }), engine };
}

const metadata = (message: { response_metadata: Record<string, unknown> }): ChatOnnxMetadata =>
  message.response_metadata as ChatOnnxMetadata;

async function collect(
  model: ChatOnnx,
  input: string,
  options: object = {},
): Promise<{ text: string; last: AIMessageChunk }> {
  let whole: AIMessageChunk | undefined;
  let text = "";
  for await (const chunk of await model.stream(input, options)) {
    text += chunk.content;
    whole = whole === undefined ? chunk : whole.concat(chunk);
  }
  return { text, last: whole! };
}

describe("ChatOnnx.invoke", () => {
  it("answers with an AIMessage that records ids, log-probabilities, usage, version and sampling exactly", async () => {
    const { model } = chat({ adapter: "manager", seed: 7 });
    const message = await model.invoke("hello");
    expect(message).toBeInstanceOf(AIMessage);
    expect(message.content).toBe("You said hello");
    const promptIds = byteTokenizer.encode("user: hello\nassistant: ");
    const responseIds = [...byteTokenizer.encode("You said hello"), endId];
    expect(metadata(message)).toMatchObject({
      prompt_ids: promptIds,
      response_ids: responseIds,
      response_logprobs: responseIds.map((_, index) => -(index + 1) / 8),
      finish_reason: "stop",
      policy_version: "manager@0",
      sampling: { temperature: 0, maxNewTokens: 256, seed: 7, stop: [] },
      model_name: "fake",
    });
    const [input, output] = [promptIds.length, responseIds.length];
    expect(message.usage_metadata).toEqual({
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
    });
  });

  it("maps LangChain's roles to the template's and joins text blocks", async () => {
    const { model } = chat();
    const message = await model.invoke([
      new SystemMessage("be brief"),
      new HumanMessage("hi"),
      new AIMessage("hello"),
      new ChatMessage("noted", "critic"),
      new HumanMessage({
        content: [
          { type: "text", text: "how " },
          { type: "text", text: "are you" },
        ],
      }),
    ]);
    expect(byteTokenizer.decode(metadata(message).prompt_ids)).toBe(
      "system: be brief\nuser: hi\nassistant: hello\ncritic: noted\nuser: how are you\nassistant: ",
    );
  });

  it("runs in a chain after a prompt", async () => {
    const { model } = chat();
    const chain = ChatPromptTemplate.fromMessages([["human", "I am {name}"]]).pipe(model);
    expect((await chain.invoke({ name: "Nora" })).content).toBe("You said I am Nora");
  });

  it("reports a response that ran into maxNewTokens", async () => {
    const { model } = chat({ maxNewTokens: 5 });
    const message = await model.invoke("hello");
    expect(message.content).toBe("You s");
    expect(metadata(message).finish_reason).toBe("length");
    expect(message.usage_metadata).toMatchObject({ output_tokens: 5 });
  });

  it("shows an unfinished character of a truncated response as U+FFFD", async () => {
    const { model } = chat({ maxNewTokens: 2 }, { respond: () => "a😀" });
    expect((await model.invoke("x")).content).toBe("a\ufffd");
  });

  it("lets one call set temperature, maxNewTokens, seed and stop", async () => {
    const { model, engine } = chat();
    const message = await model.invoke("hello", { temperature: 0.5, maxNewTokens: 40, seed: 3, stop: ["zzz"] });
    expect(metadata(message).sampling).toEqual({ temperature: 0.5, maxNewTokens: 40, seed: 3, stop: ["zzz"] });
    expect(engine.calls[0]?.requests[0]).toMatchObject({ temperature: 0.5, maxNewTokens: 40 });
    expect((await model.withConfig({ maxNewTokens: 3 }).invoke("hello")).content).toBe("You");
  });
});

describe("ChatOnnx stop strings", () => {
  const respond = () => "one\nObservation: two\nthree";

  it("cut the text before the first of them, and the ids after the token that completes it", async () => {
    const { model } = chat({ stop: ["three", "\nObservation:"] }, { respond });
    const message = await model.invoke("x");
    expect(message.content).toBe("one");
    expect(byteTokenizer.decode(metadata(message).response_ids)).toBe("one\nObservation:");
    expect(metadata(message).response_logprobs).toHaveLength("one\nObservation:".length);
    expect(metadata(message).finish_reason).toBe("stop");
    expect(message.usage_metadata).toMatchObject({ output_tokens: "one\nObservation:".length });
  });

  it("end a stream at the same place, and stop the engine there", async () => {
    const { model, engine } = chat({ stop: ["\nObservation:"] }, { respond });
    const { text, last } = await collect(model, "x");
    expect(text).toBe("one");
    expect(byteTokenizer.decode(metadata(last).response_ids)).toBe("one\nObservation:");
    expect(metadata(last).finish_reason).toBe("stop");
    await model.invoke("y");
    expect(engine.calls[0]?.options.signal?.aborted).toBe(true);
    const whole = byteTokenizer.encode(respond()).length + 1;
    expect(engine.tokens).toBeLessThan(2 * whole);
  });

  it("give out text that only began like a stop string", async () => {
    const { model } = chat({ stop: ["two four", "threefold"] }, { respond });
    expect((await collect(model, "x")).text).toBe(respond());
    expect((await model.invoke("x")).content).toBe(respond());
  });

  it("count when the response ends by maxNewTokens on them", async () => {
    const { model } = chat({ stop: ["e"], maxNewTokens: 3 }, { respond });
    expect(metadata(await model.invoke("x")).finish_reason).toBe("stop");
  });
});

describe("ChatOnnx.stream", () => {
  it("gives pieces that join to what invoke answers, with the same metadata and usage", async () => {
    const respond = (message: string, noise: string) => `naïve 😀 ${message} 你好 ${noise}`;
    const { model } = chat({ temperature: 1 }, { respond });
    const whole = await model.invoke("hello");
    const { text, last } = await collect(model, "hello");
    expect(text).toBe(whole.content);
    expect(last.content).toBe(whole.content);
    expect(last.usage_metadata).toMatchObject(whole.usage_metadata ?? {});
    const { prompt_ids, response_ids, response_logprobs, sampling } = metadata(whole);
    expect(last.response_metadata).toMatchObject({ prompt_ids, response_ids, response_logprobs, sampling });
    expect(metadata(last).policy_version).toBe("base");
  });

  it("never splits a character over two pieces", async () => {
    const { model } = chat({}, { respond: () => "😀你é" });
    const pieces: unknown[] = [];
    for await (const chunk of await model.stream("x")) pieces.push(chunk.content);
    expect(pieces).toEqual(["😀", "你", "é", ""]);
  });

  it("stops the engine when the consumer goes away", async () => {
    const { model, engine } = chat({}, { respond: () => "a".repeat(200) });
    for await (const chunk of await model.stream("x")) {
      if (chunk.content !== "") break;
    }
    await model.invoke("y", { maxNewTokens: 1 });
    expect(engine.calls[0]?.options.signal?.aborted).toBe(true);
    expect(engine.tokens).toBeLessThan(50);
  });

  it("keeps ids and finish reason in LangChain's event stream", async () => {
    const { model } = chat({ maxNewTokens: 4 });
    const message = await model.streamEvents("hello");
    expect(message.text).toBe("You ");
    expect(metadata(message).response_ids).toEqual(byteTokenizer.encode("You "));
    expect(metadata(message).finish_reason).toBe("length");
    expect(message.usage_metadata).toMatchObject({ output_tokens: 4 });
  });

  it("streams messages out of a LangGraph graph, and the state keeps the token ids", async () => {
    const { model } = chat();
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("answer", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addEdge("__start__", "answer")
      .compile();
    let text = "";
    let kept: readonly { response_metadata: Record<string, unknown> }[] = [];
    const input = { messages: [new HumanMessage("hello")] };
    for await (const [mode, data] of await graph.stream(input, { streamMode: ["messages", "values"] })) {
      if (mode === "messages") text += data[0].content;
      else kept = data.messages;
    }
    expect(text).toBe("You said hello");
    expect(metadata(kept.at(-1)!).response_ids).toEqual([...byteTokenizer.encode("You said hello"), endId]);
  });
});

describe("ChatOnnx batching", () => {
  it("brings the calls of one batch into one engine call, in order", async () => {
    const { model, engine } = chat();
    const answers = await model.batch(["a", "b", "c"]);
    expect(answers.map(({ content }) => content)).toEqual(["You said a", "You said b", "You said c"]);
    expect(engine.calls.map(({ requests }) => requests.length)).toEqual([3]);
  });

  it("brings parallel nodes of a graph into one engine call", async () => {
    const { model, engine } = chat();
    const ask = (text: string) => async () => ({ messages: [await model.invoke(text)] });
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("left", ask("l"))
      .addNode("right", ask("r"))
      .addEdge("__start__", "left")
      .addEdge("__start__", "right")
      .compile();
    const { messages } = await graph.invoke({ messages: [] });
    expect(messages.map(({ content }) => content)).toEqual(["You said l", "You said r"]);
    expect(engine.calls).toHaveLength(1);
  });

  it("samples the same response alone, in a batch, in another order and in a stream", async () => {
    const { model } = chat({ temperature: 1, seed: 5 });
    const [a, b] = await model.batch(["a", "b"]);
    expect((await model.invoke("b")).content).toBe(b?.content);
    expect((await model.invoke("a")).content).toBe(a?.content);
    expect((await collect(model, "a")).text).toBe(a?.content);
    expect((await model.batch(["b", "a"])).map(({ content }) => content)).toEqual([b?.content, a?.content]);
  });

  it("samples another response for another seed or another prompt", async () => {
    const { model } = chat({ temperature: 1, seed: 5 }, { respond: (_, noise) => noise });
    const first = (await model.invoke("a")).content;
    expect((await model.invoke("a", { seed: 6 })).content).not.toBe(first);
    expect((await model.invoke("b")).content).not.toBe(first);
    expect((await model.invoke("a", { seed: 5 })).content).toBe(first);
  });
});

describe("ChatOnnx abort", () => {
  it("refuses a call whose signal has fired, without asking the engine", async () => {
    const { model, engine } = chat();
    await expect(model.invoke("x", { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
    expect(engine.calls).toHaveLength(0);
  });

  it("ends a running call and a running stream with AbortError, and the engine with them", async () => {
    const { model, engine } = chat({}, { respond: () => "a".repeat(200) });
    const first = new AbortController();
    const running = model.invoke("x", { signal: first.signal });
    setImmediate(() => setImmediate(() => first.abort("no longer needed")));
    await expect(running).rejects.toMatchObject({ name: "AbortError", cause: "no longer needed" });
    const second = new AbortController();
    await expect(async () => {
      for await (const chunk of await model.stream("x", { signal: second.signal })) {
        if (chunk.content !== "") second.abort();
      }
    }).rejects.toMatchObject({ name: "AbortError" });
    await model.invoke("y", { maxNewTokens: 1 });
    expect(engine.calls.slice(0, -1).every(({ options }) => options.signal?.aborted)).toBe(true);
    expect(engine.tokens).toBeLessThan(100);
  });

  it("lets the others of a batch finish when one is aborted", async () => {
    const { model } = chat();
    const abort = new AbortController();
    const [one, other] = [model.invoke("a", { signal: abort.signal }), model.invoke("b")];
    setImmediate(() => setImmediate(() => abort.abort()));
    await expect(one).rejects.toMatchObject({ name: "AbortError" });
    expect((await other).content).toBe("You said b");
  });
});

describe("ChatOnnx errors", () => {
  it("states both numbers when prompt and response do not fit the context", async () => {
    const { model, engine } = chat({ maxNewTokens: 50 }, { contextLength: 60 });
    const error = await model.invoke("hello").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ContextLengthError);
    expect(error).toMatchObject({ expected: "at most 60 tokens", found: "23 of the prompt and 50 new ones" });
    expect(engine.calls).toHaveLength(0);
    expect((await model.invoke("hello", { maxNewTokens: 37 })).content).toBe("You said hello");
  });

  it.each([
    [
      "an image",
      new HumanMessage({ content: [{ type: "image_url", image_url: "data:," }] }),
      /content block 0.*text only/,
    ],
    ["a tool's result", new ToolMessage({ content: "42", tool_call_id: "1" }), /no tools/],
    ["a tool call", new AIMessage({ content: "", tool_calls: [{ name: "f", args: {}, id: "1" }] }), /no tools/],
  ])("refuses %s", async (_, message, expected) => {
    const error = await chat()
      .model.invoke([message])
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toMatch(expected);
  });

  it("refuses an empty list of messages", async () => {
    await expect(chat().model.invoke([])).rejects.toThrow(UsageError);
  });

  it.each([
    ["temperature", -1],
    ["temperature", Number.NaN],
    ["maxNewTokens", 0],
    ["maxNewTokens", 1.5],
    ["seed", 0.5],
    ["stop", [""]],
  ])("names the option %s when it is %j, at construction and at a call", async (name, value) => {
    expect(() => chat({ [name]: value })).toThrow(new RegExp(`option "${name}" is wrong`));
    await expect(chat().model.invoke("x", { [name]: value })).rejects.toThrow(UsageError);
  });

  it("passes the engine's error on and works again afterwards", async () => {
    const { model, engine } = chat();
    engine.failure = new Error("out of memory");
    await expect(model.invoke("x")).rejects.toThrow("out of memory");
    await expect(collect(model, "x")).rejects.toThrow("out of memory");
    engine.failure = undefined;
    expect((await model.invoke("x")).content).toBe("You said x");
  });
});

describe("ChatOnnx in LangChain's machinery", () => {
  it("tells tracers its name, sampling, result and usage", async () => {
    const { model } = chat({ temperature: 0.5 });
    const tracer = new FakeTracer();
    await model.invoke("x", { callbacks: [tracer], stop: ["#"] });
    const [run] = tracer.runs;
    expect(run?.name).toBe("ChatOnnx");
    expect(run?.extra?.invocation_params).toEqual({
      model: "fake",
      temperature: 0.5,
      maxNewTokens: 256,
      seed: 0,
      stop: ["#"],
    });
    expect(run?.extra?.metadata).toMatchObject({ ls_model_name: "fake", ls_provider: "Onnx", ls_temperature: 0.5 });
    expect(run?.outputs?.llmOutput.tokenUsage.promptTokens).toBe("user: x\nassistant: ".length);
  });

  it("answers from a cache until the policy or the seed changes", async () => {
    const { model, engine } = chat({ adapter: "manager", cache: new InMemoryCache() });
    await model.invoke("x");
    await model.invoke("x");
    expect(engine.calls).toHaveLength(1);
    await model.invoke("x", { seed: 1 });
    expect(engine.calls).toHaveLength(2);
    engine.versions.set("manager", 1);
    expect(metadata(await model.invoke("x")).policy_version).toBe("manager@1");
    expect(engine.calls).toHaveLength(3);
  });

  it("never takes another adapter's replies from a cache, though both go by one name", async () => {
    const cache = new InMemoryCache();
    const [first, second] = ["a", "b"].map((adapterId) => chat({ adapter: "adapter", adapterId, cache }));
    await first!.model.invoke("x");
    await second!.model.invoke("x");
    expect(second!.engine.calls).toHaveLength(1);
  });

  it("closes its engine", async () => {
    const { model, engine } = chat();
    await model.close();
    expect(engine.closed).toBe(true);
  });
});
