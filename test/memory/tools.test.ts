import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { InMemoryStore } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { expect, test } from "vitest";
import { createMemoryTools } from "../../src/memory/tools.js";
import { LetterEmbeddings } from "./letter-embeddings.js";
import { operations, ScriptedModel, ScriptedToolModel } from "./scripted-model.js";

const namespace = ["memories", "user", "ana"];
const now = () => new Date("2023-05-07T23:30:00Z");

const TEXTS = ["The cello", "qqqq", "zzzzzzzzzzzzt"];

test("what was recorded right after a memory is found with it where that is asked", async () => {
  const store = new InMemoryStore({ index: { dims: 64, embeddings: new LetterEmbeddings() } });
  const replies = TEXTS.map((text) => operations({ event: "ADD", text }));
  const options = { store, namespace, manager: new ScriptedModel(() => replies.shift()!), now };
  const [search, record] = createMemoryTools(options);
  const [searchAround] = createMemoryTools({ ...options, adjacent: true });
  for (const text of TEXTS) await record!.invoke({ facts: [text] });
  const query = { query: "The cello", limit: 2 };
  expect(await search!.invoke(query)).not.toContain("qqqq");
  expect(await searchAround!.invoke(query)).toContain("qqqq");
});

function world(...replies: string[]) {
  const store = new InMemoryStore({ index: { dims: 64, embeddings: new LetterEmbeddings() } });
  const manager = new ScriptedModel(() => replies.shift()!);
  const tools = createMemoryTools({ store, namespace, manager, now, speaker: "Ana" });
  const [search, record] = tools;
  return { store, manager, tools, search: search!, record: record! };
}

test("what is recorded is found, as a block that is marked as recalled", async () => {
  const { record, search, store } = world(operations({ event: "ADD", text: "Ana lives in Oslo" }));
  expect(await record.invoke({ facts: ["Ana lives in Oslo"] })).toBe("ADD: Ana lives in Oslo");
  expect(await search.invoke({ query: "Where does Ana live?" })).toBe(
    "<recalled-memories>\n- (7 May 2023) Ana lives in Oslo\n</recalled-memories>",
  );
  expect((await store.search(namespace))[0]!.value).toMatchObject({ speaker: "Ana", time: "7 May 2023" });
});

test("an agent is told what became of its facts, and that nothing was recorded where the manager cannot be read", async () => {
  const { record, search } = world(
    operations({ event: "ADD", text: "Ana lives in Oslo" }),
    operations({ event: "UPDATE", id: "m1", text: "Ana lives in Bergen" }),
    operations({ event: "NOOP", id: "m1" }),
    "hm",
  );
  expect(await search.invoke({ query: "Ana" })).toBe("No memories.");
  await record.invoke({ facts: ["Ana lives in Oslo"] });
  expect(await record.invoke({ facts: ["Ana moved to Bergen"] })).toBe("UPDATE: Ana lives in Bergen");
  expect(await record.invoke({ facts: ["Ana is in Bergen"] })).toMatch(/^Nothing new/);
  expect(await record.invoke({ facts: ["Ana is in Bergen"] })).toMatch(/^Nothing was recorded.*no JSON object/);
});

test("arguments that are none are refused before anything happens", async () => {
  const { record, search, manager } = world();
  await expect(record.invoke({ facts: [] })).rejects.toThrow();
  await expect(record.invoke({ facts: [" "] })).rejects.toThrow();
  await expect(search.invoke({ query: "x", limit: 0 })).rejects.toThrow();
  expect(manager.asked).toEqual([]);
});

test("an agent uses both in one run, over the store of its graph and the user of its run", async () => {
  const store = new InMemoryStore({ index: { dims: 64, embeddings: new LetterEmbeddings() } });
  const manager = new ScriptedModel(() => operations({ event: "ADD", fact: "f1" }));
  const call = (id: string, name: string, args: object) => ({ id, name, args, type: "tool_call" as const });
  const script = [
    new AIMessage({
      content: "",
      tool_calls: [
        call("c1", "record_turn", { facts: ["Ana lives in Oslo"] }),
        call("c2", "record_turn", { facts: ["Ana has a cat"] }),
      ],
    }),
    new AIMessage({ content: "", tool_calls: [call("c3", "search_memory", { query: "Ana has a cat", limit: 1 })] }),
    new AIMessage("You have a cat"),
  ];
  const agent = createAgent({
    model: new ScriptedToolModel(() => script.shift()!),
    tools: createMemoryTools({ manager, now, speaker: "Ana" }),
    store,
  });
  const run = { configurable: { user_id: "ana", thread_id: "t" } };
  const { messages } = await agent.invoke({ messages: [{ role: "user", content: "What pet do I have?" }] }, run);
  expect(messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text)).toEqual([
    "ADD: Ana lives in Oslo",
    "ADD: Ana has a cat",
    expect.stringContaining("Ana has a cat"),
  ]);
  expect((await store.search(namespace)).map(({ value }) => value.text).sort()).toEqual([
    "Ana has a cat",
    "Ana lives in Oslo",
  ]);
});
