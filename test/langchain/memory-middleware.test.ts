import { type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import { Command, InMemoryStore, interrupt, MemorySaver } from "@langchain/langgraph";
import {
  type AgentMiddleware,
  createAgent,
  FakeToolCallingModel,
  piiMiddleware,
  summarizationMiddleware,
  tool,
} from "langchain";
import { expect, test } from "vitest";
import { z } from "zod";
import { type MemoryMiddlewareOptions, memoryMiddleware } from "../../src/langchain/memory-middleware.js";
import { BackgroundWrites } from "../../src/memory/background.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { LetterEmbeddings } from "../memory/letter-embeddings.js";
import { operations, ScriptedModel, ScriptedToolModel } from "../memory/scripted-model.js";

const namespace = ["memories", "user", "ana"];
const run = (thread: string) => ({ configurable: { user_id: "ana", thread_id: thread } });

/** An agent that says what it was asked, with a manager that adds every fact; the extractor takes each message as a fact. */
function world(options: Partial<MemoryMiddlewareOptions> = {}, systemPrompt: string | SystemMessage = "Be kind.") {
  const store = new InMemoryStore({ index: { dims: 64, embeddings: new LetterEmbeddings() } });
  const agentModel = new ScriptedToolModel((messages) => `You said: ${messages.at(-1)!.text}`);
  const memoryModel = new ScriptedModel(([system, human]) =>
    system!.text === "extract"
      ? JSON.stringify({ facts: [human!.text.replace(/^.*?: /, "")] })
      : operations({ event: "ADD", fact: "f1" }),
  );
  const memory = memoryMiddleware({
    model: memoryModel,
    prompts: compactPrompts,
    now: () => new Date("2023-05-07"),
    ...options,
  });
  const agent = createAgent({
    model: agentModel,
    tools: [],
    systemPrompt,
    middleware: [memory],
    store,
    checkpointer: new MemorySaver(),
  });
  const say = (text: string, thread: string) =>
    agent.invoke({ messages: [{ role: "user", content: text }] }, run(thread));
  const texts = async () => (await store.search(namespace)).map(({ value }) => value.text as string).sort();
  return { agent, say, texts, store, agentModel, memoryModel, memory };
}

const systemOf = (messages: readonly BaseMessage[]) =>
  messages.filter(({ type }) => type === "system").map(({ text }) => text);

test("what a user said in one thread is in the prompt of another one, marked as recalled, and in no thread's messages", async () => {
  const { say, texts, agentModel } = world();
  await say("Ana lives in Oslo", "t1");
  expect(await texts()).toEqual(["Ana lives in Oslo"]);
  expect(systemOf(agentModel.asked[0]!)).toEqual(["Be kind."]);
  const { messages } = await say("Where does Ana live?", "t2");
  const [system] = systemOf(agentModel.asked[1]!);
  expect(system).toMatch(
    /^Be kind\.\n\n[\s\S]*<recalled-memories>\n- \(7 May 2023\) Ana lives in Oslo\n<\/recalled-memories>$/,
  );
  expect(messages.map(({ text }) => text)).toEqual(["Where does Ana live?", "You said: Where does Ana live?"]);
});

test("a system prompt of blocks keeps them and their marks, and has the memories in a block of their own", async () => {
  const blocks = [
    { type: "text", text: "Long policy.", cache_control: { type: "ephemeral" } },
    { type: "text", text: "Be kind." },
  ];
  const { say, agentModel } = world({}, new SystemMessage({ content: blocks }));
  await say("Ana lives in Oslo", "t1");
  await say("Where does Ana live?", "t2");
  const [system] = agentModel.asked.at(-1)!;
  expect(system!.content.slice(0, 2)).toEqual(blocks);
  expect(system!.content.slice(2)).toEqual([{ type: "text", text: expect.stringContaining("Ana lives in Oslo") }]);
});

test("a picture alone asks no one for facts", async () => {
  const { agent, memoryModel, texts } = world();
  const content = [{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }];
  await agent.invoke({ messages: [{ role: "user", content }] }, run("t1"));
  expect(memoryModel.asked).toEqual([]);
  expect(await texts()).toEqual([]);
});

test("approval in the background, where nobody can be asked, is refused", () => {
  const background = new BackgroundWrites();
  expect(() => world({ background, approveDeletes: true })).toThrow("approveDeletes");
});

test("what was said right after a memory is recalled with it where that is asked", async () => {
  for (const adjacent of [false, true]) {
    const { say, agentModel } = world({ memories: 2, adjacent });
    for (const text of ["The cello", "qqqq", "zzzzzzzzzzzzt"]) await say(text, "t1");
    await say("The cello", "t2");
    const [system] = systemOf(agentModel.asked.at(-1)!);
    expect(system!.includes("qqqq")).toBe(adjacent);
  }
});

test("what only repeats a recalled memory is not taken in again, in the user's words or in a pasted block", async () => {
  const { say, texts } = world();
  await say("Ana lives in Oslo", "t1");
  await say("Ana lives in Oslo!", "t2");
  await say("<recalled-memories>\n- Ana has a dragon\n</recalled-memories> Ana has a cat", "t3");
  expect(await texts()).toEqual(["Ana has a cat", "Ana lives in Oslo"]);
});

test("each message of a thread is taken in once, and the agent's replies never", async () => {
  const { say, memoryModel } = world();
  await say("Ana lives in Oslo", "t1");
  await say("Ana has a cat", "t1");
  const heard = memoryModel.asked.filter(([system]) => system!.text === "extract").map(([, human]) => human!.text);
  expect(heard).toEqual(["7 May 2023 user: Ana lives in Oslo", "7 May 2023 user: Ana has a cat"]);
});

/** An agent whose first run is so long that its messages are summarised meanwhile; what its memory hears. */
function summarising() {
  const { memory, memoryModel } = world();
  const look = tool(() => "a page", { name: "look", description: "looks", schema: z.object({}) });
  const looking = ["1", "2", "3"].map((id) => [{ name: "look", args: {}, id }]);
  const settings = { model: new ScriptedModel("SUMMARY"), trigger: { messages: 4 }, keep: { messages: 2 } };
  // Its types do not go with exactOptionalPropertyTypes.
  const summary = summarizationMiddleware(settings as never) as unknown as AgentMiddleware;
  const agent = createAgent({
    model: new FakeToolCallingModel({ toolCalls: [...looking, [], []] }),
    tools: [look],
    middleware: [summary, memory],
    store: new InMemoryStore(),
    checkpointer: new MemorySaver(),
  });
  const say = (...texts: string[]) =>
    agent.invoke({ messages: texts.map((content) => ({ role: "user", content })) }, run("t1"));
  const heard = () =>
    memoryModel.asked.filter(([system]) => system!.text === "extract").map(([, human]) => human!.text);
  return { say, heard };
}

test("what was said is taken in where a summary replaces it while the agent works, and the summary is not", async () => {
  const { say, heard } = summarising();
  for (const text of ["Ana lives in Oslo", "Ana has a cat"]) await say(text);
  expect(heard()).toEqual(["7 May 2023 user: Ana lives in Oslo", "7 May 2023 user: Ana has a cat"]);
});

test("two messages after a summary are both taken in", async () => {
  const { say, heard } = summarising();
  await say("Ana lives in Oslo");
  await say("Ana has a cat", "Ana plays chess");
  expect(heard().map((text) => text.split(": ")[1])).toEqual(["Ana lives in Oslo", "Ana has a cat", "Ana plays chess"]);
});

for (const first of ["the guard", "the memory"]) {
  test(`what a guard redacts is remembered in the thread's words, where ${first} comes first`, async () => {
    const { memory, store, texts } = world();
    const guard = piiMiddleware("email", { strategy: "redact", applyToInput: true }) as unknown as AgentMiddleware;
    const agent = createAgent({
      model: new ScriptedToolModel("Yes."),
      tools: [],
      middleware: first === "the guard" ? [guard, memory] : [memory, guard],
      store,
      checkpointer: new MemorySaver(),
    });
    await agent.invoke({ messages: [{ role: "user", content: "Ana's address is ana@example.com" }] }, run("t1"));
    expect(await texts()).toEqual([expect.stringMatching(/^Ana's address is \[REDACTED/)]);
  });
}

test("a message that comes with the answer to an interrupt is taken in", async () => {
  const { memory, store, texts } = world();
  const ask = tool(() => String(interrupt("ok?")), { name: "ask", description: "asks", schema: z.object({}) });
  const agent = createAgent({
    model: new FakeToolCallingModel({ toolCalls: [[{ name: "ask", args: {}, id: "1" }], []] }),
    tools: [ask],
    middleware: [memory],
    store,
    checkpointer: new MemorySaver(),
  });
  await agent.invoke({ messages: [{ role: "user", content: "Ana lives in Oslo" }] }, run("t1"));
  const update = { messages: [new HumanMessage("Ana has a cat")] };
  await agent.invoke(new Command({ resume: "yes", update }) as never, run("t1"));
  expect(await texts()).toEqual(["Ana has a cat", "Ana lives in Oslo"]);
});

test("a turn that can never be taken in keeps no other from it, where errors are handled, and is tried twice", async () => {
  const errors: unknown[] = [];
  const model = new ScriptedModel(([system, human]) => {
    if (human!.text.includes("too long")) throw new TypeError("too long");
    if (system!.text !== "extract") return operations({ event: "ADD", fact: "f1" });
    return JSON.stringify({ facts: [human!.text.replace(/^.*?: /, "")] });
  });
  const { say, texts } = world({ model, onError: (error) => errors.push(error) });
  for (const text of ["This is too long", "Ana lives in Oslo", "Ana has a cat"]) await say(text, "t1");
  expect([errors.length, await texts()]).toEqual([2, ["Ana has a cat", "Ana lives in Oslo"]]);
});

test("the answer of a run whose turn cannot be taken in is kept where errors are handled, and the next run takes it in", async () => {
  let isDown = true;
  const errors: unknown[] = [];
  const model = new ScriptedModel(([system, human]) => {
    if (isDown) throw new TypeError("down");
    if (system!.text !== "extract") return operations({ event: "ADD", fact: "f1" });
    return JSON.stringify({ facts: [human!.text.replace(/^.*?: /, "")] });
  });
  const { say, texts } = world({ model, onError: (error) => errors.push(error) });
  const { messages } = await say("Ana lives in Oslo", "t1");
  expect(messages.at(-1)!.text).toBe("You said: Ana lives in Oslo");
  expect([errors.map(String), await texts()]).toEqual([["TypeError: down"], []]);
  isDown = false;
  await say("Ana has a cat", "t1");
  expect(await texts()).toEqual(["Ana has a cat", "Ana lives in Oslo"]);
  isDown = true;
  await expect(world({ model }).say("Ana has a dog", "t2")).rejects.toThrow("down");
});

test("with background writes the agent answers before its turn is in the bank, which has it after a flush", async () => {
  const background = new BackgroundWrites();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { say, texts } = world({ background: { add: (key, task) => background.add(key, () => held.then(task)) } });
  await say("Ana lives in Oslo", "t1");
  expect(await texts()).toEqual([]);
  release();
  await background.flush();
  expect(await texts()).toEqual(["Ana lives in Oslo"]);
});

test("each run's turns go into its own bank, whoever's end makes room for them", async () => {
  const background = new BackgroundWrites({ limit: 1 });
  const { agent, store } = world({ background });
  const configs = [{ user_id: "ana", thread_id: "t1" }, { thread_id: "t2" }];
  await Promise.all(
    configs.map((configurable) =>
      agent.invoke({ messages: [{ role: "user", content: `I am ${configurable.thread_id}` }] }, { configurable }),
    ),
  );
  await background.flush();
  const found = (await store.search(["memories"])).map((item) => [item.namespace.join("/"), item.value.text]);
  expect(found.sort()).toEqual([
    ["memories/thread/t2", "I am t2"],
    ["memories/user/ana", "I am t1"],
  ]);
});
