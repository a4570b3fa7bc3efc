import { InMemoryCache } from "@langchain/core/caches";
import {
  AIMessage,
  AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
  type UsageMetadata,
} from "@langchain/core/messages";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ContextLengthError, UsageError } from "../../../src/errors.js";
import { ChatOnnx } from "../../../src/model/chat/chat-onnx.js";
import { tinyModel } from "../../../src/model/checkpoint/tiny-model.js";
import { loadTokenizer } from "../../../src/model/checkpoint/tokenizer.js";
import { openEngine } from "../../../src/model/engine/open-engine.js";

/*
 * The cases of LangChain's standard tests for chat models, under the same names: that package is not published. Those that need a model with
 * tools or with other content than text say what happens here instead.
 */

let fields: ConstructorParameters<typeof ChatOnnx>[0];
let model: ChatOnnx;

beforeAll(async () => {
  const engine = await openEngine({ folder: tinyModel, threads: 1 });
  fields = { engine, tokenizer: await loadTokenizer(tinyModel), maxNewTokens: 24, temperature: 0 };
  model = new ChatOnnx(fields);
});

afterAll(() => model.close());

function expectReply(message: AIMessage): void {
  expect(message).toBeInstanceOf(AIMessage);
  expect(message.text).not.toBe("");
}

const call = { id: "abc123", name: "add", args: { a: 1, b: 2 }, type: "tool_call" as const };
const toolHistory = (content: string | { type: "text"; text: string }[]): BaseMessage[] => [
  new HumanMessage("What is 1 + 2?"),
  new AIMessage({ content: "", tool_calls: [call] }),
  new ToolMessage({ content, tool_call_id: call.id }),
];

describe("ChatModelUnitTests", () => {
  test("should initialize chat model successfully", () => {
    expect(new ChatOnnx(fields).sampling).toMatchObject({ temperature: 0, maxNewTokens: 24 });
  });

  test("should initialize chat model with streaming enabled", () => {
    expect(new ChatOnnx({ ...fields, disableStreaming: false })._llmType()).toBe("onnx");
  });

  test("should bind tools when tool calling is supported: this model's template knows none, and says so at once", () => {
    expect(() => model.bindTools([{ type: "function", function: { name: "f", parameters: {} } }])).toThrow(UsageError);
  });

  test("should work with structured output when supported: it is not here, and says so at once", () => {
    expect(() => model.withStructuredOutput({ type: "object", properties: {} })).toThrow(/no tools/);
  });

  test("should return standard LangSmith parameters", () => {
    const expected = {
      ls_provider: "Onnx",
      ls_model_name: "tiny",
      ls_model_type: "chat",
      ls_temperature: 0,
      ls_max_tokens: 24,
    };
    expect(model.getLsParams({})).toMatchObject(expected);
    expect(model.getLsParams({ stop: ["you"] })).toMatchObject({ ls_stop: ["you"] });
  });

  test("invoke should throw when signal is already aborted", async () => {
    await expect(model.invoke("hello", { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });

  test("stream should handle aborted signal correctly", async () => {
    const read = async () => {
      for await (const chunk of await model.stream("hello", { signal: AbortSignal.abort() }))
        expect(chunk).toBeUndefined();
    };
    await expect(read()).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("ChatModelIntegrationTests", () => {
  test("should invoke model and return valid response", async () => expectReply(await model.invoke("Hello")));

  test("should stream response tokens successfully", async () => {
    let text = "";
    let chunks = 0;
    for await (const token of await model.stream("Hello")) {
      expect(token).toBeInstanceOf(AIMessageChunk);
      text += token.text;
      chunks += 1;
    }
    expect(chunks).toBeGreaterThan(2);
    expect(text).toBe((await model.invoke("Hello")).text);
  });

  test("should process multiple inputs in batch", async () => {
    const replies = await model.batch(["Hello", "Hey"]);
    expect(replies).toHaveLength(2);
    replies.forEach(expectReply);
    expect(replies[1]!.text).toBe((await model.invoke("Hey")).text);
  });

  test("should stream events from start to end, whose pieces are the output", async () => {
    const events: { event: string; data: { chunk?: AIMessageChunk; output?: AIMessage } }[] = [];
    for await (const event of model.streamEvents("Hello", { version: "v2" })) events.push(event);
    expect(events[0]!.event).toBe("on_chat_model_start");
    expect(events[Math.floor(events.length / 2)]!.event).toBe("on_chat_model_stream");
    const last = events[events.length - 1]!;
    expect(last.event).toBe("on_chat_model_end");
    const pieces = events.filter(({ event }) => event === "on_chat_model_stream").map(({ data }) => data.chunk!.text);
    expect(last.data.output!.text).toBe(pieces.join(""));
  });

  test("should handle multi-message conversation", async () => {
    expectReply(
      await model.invoke([new HumanMessage("hello"), new AIMessage("hello"), new HumanMessage("how are you")]),
    );
  });

  test("should handle double messages of one role", async () => {
    const twice = (make: () => BaseMessage) => [make(), make()];
    expectReply(
      await model.invoke([
        ...twice(() => new SystemMessage("hello")),
        ...twice(() => new HumanMessage("hello")),
        ...twice(() => new AIMessage("hello")),
        new HumanMessage("how are you"),
      ]),
    );
  });

  test("should return usage metadata for invoke", async () => {
    const { usage_metadata, response_metadata: metadata } = await model.invoke("Hello");
    const usage = usage_metadata as UsageMetadata | undefined;
    expect(usage!.total_tokens).toBe(usage!.input_tokens + usage!.output_tokens);
    expect(usage!.output_tokens).toBeGreaterThan(0);
    expect(metadata).toMatchObject({ model: "tiny", model_name: "tiny" });
  });

  test("should return usage metadata for streaming", async () => {
    let whole: AIMessageChunk | undefined;
    for await (const chunk of await model.stream("Hello")) whole = whole?.concat(chunk) ?? chunk;
    const { usage_metadata: usage } = await model.invoke("Hello");
    expect(whole!.usage_metadata).toMatchObject(usage!);
  });

  test("should stop at a stop sequence, given to the call or to the model", async () => {
    const { text } = await model.invoke("Hello");
    const stop = text.slice(2, 4);
    const cut = text.slice(0, text.indexOf(stop));
    expect((await model.invoke("Hello", { stop: [stop] })).text).toBe(cut);
    expect((await new ChatOnnx({ ...fields, stop: [stop] }).invoke("Hello")).text).toBe(cut);
  });

  test.each([
    ["string content", "3"],
    ["list content", [{ type: "text" as const, text: "3" }]],
  ])("should handle tool message histories with %s: by a UsageError that says what to do", async (_, content) => {
    await expect(model.invoke(toolHistory(content))).rejects.toThrow(UsageError);
    await expect(model.invoke(toolHistory(content))).rejects.toThrow(/no tools.*human message/);
  });

  test("should cache complex message types", async () => {
    const cached = new ChatOnnx({ ...fields, cache: new InMemoryCache() });
    const message = new HumanMessage({ content: [{ type: "text", text: "Hello there!" }] });
    const first = await cached.invoke([message]);
    const second = await cached.invoke([message]);
    expect(second.text).toBe(first.text);
    expect(second.response_metadata).toEqual(first.response_metadata);
  });

  test("should handle standard text content blocks", async () => {
    const message = new HumanMessage({ contentBlocks: [{ type: "text", text: "Hello" }] });
    expect((await model.invoke([message])).text).toBe((await model.invoke("Hello")).text);
  });

  test.each([
    ["image", { type: "image", mimeType: "image/png", data: "iVBORw0KGgo=" }],
    ["audio", { type: "audio", mimeType: "audio/wav", data: "UklGRg==" }],
    ["file", { type: "file", mimeType: "text/plain", data: "SGk=" }],
  ])("should handle standard %s content blocks: by a UsageError that names the block", async (type, block) => {
    const message = new HumanMessage({ content: [block] });
    await expect(model.invoke([message])).rejects.toThrow(new RegExp(`content block 0.*text only.*"${type}"`));
  });

  test("should abort a running call and stream, and answer afterwards", async () => {
    const long = { maxNewTokens: 400 };
    const abort = new AbortController();
    const running = model.invoke("Hello", { ...long, signal: abort.signal });
    // As soon as the engine has the call: on quiet cores it answers within twenty milliseconds.
    setImmediate(() => setImmediate(() => abort.abort()));
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
    const second = new AbortController();
    const read = async () => {
      for await (const _ of await model.stream("Hello", { ...long, signal: second.signal })) second.abort();
    };
    await expect(read()).rejects.toMatchObject({ name: "AbortError" });
    expectReply(await model.invoke("Hello"));
  });

  test("should refuse a prompt that does not fit, with both numbers", async () => {
    await expect(model.invoke("word ".repeat(2000))).rejects.toThrow(ContextLengthError);
  });
});
