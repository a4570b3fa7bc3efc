import { FakeListChatModel } from "@langchain/core/utils/testing";
import { InMemoryStore } from "@langchain/langgraph";
import { beforeEach, expect, test } from "vitest";
import { createAnswerAgent } from "../../src/memory/answer.js";
import { MemoryBank } from "../../src/memory/bank/bank.js";
import { LetterEmbeddings } from "./letter-embeddings.js";

let store: InMemoryStore;
const user = ["memories", "user", "ana"];
const team = ["memories", "team"];
const shared = [team];
const turn = (speaker: string) => ({ id: "1", speaker, text: "…", time: "1 May" });

beforeEach(async () => {
  store = new InMemoryStore({ index: { dims: 64, embeddings: new LetterEmbeddings() } });
  const ana = new MemoryBank({ store, namespace: user });
  await ana.apply([{ event: "ADD", text: "the cat sleeps" }], [], turn("Ana"));
  const ours = new MemoryBank({ store, namespace: team });
  await ours.apply([{ event: "ADD", text: "the cat eats at noon" }], [], turn("Team"));
});

test("shared namespaces are read along where asked, and told apart", async () => {
  const bank = new MemoryBank({ store, namespace: user, shared });
  const found = await bank.retrieve("the cat eats", { limit: 5, shared: true });
  expect(found.map(({ value, namespace }) => [value.text, namespace])).toEqual([
    ["the cat eats at noon", team],
    ["the cat sleeps", undefined],
  ]);
  expect(await bank.retrieve("the cat eats", { limit: 5 })).toHaveLength(1);
  expect(await bank.list()).toHaveLength(1);
  expect(await bank.speakers({ shared: true })).toEqual(["Ana", "Team"]);
});

test("an answer draws on the user's memories and the shared ones", async () => {
  const answerer = new FakeListChatModel({ responses: ["Memories: m2\n**Answer:** at noon"] });
  const agent = createAnswerAgent({ store, namespace: user, shared: () => shared, answerer }).compile();
  const { answer } = await agent.invoke({ question: { id: "q", text: "When does the cat eat?" } });
  expect(answer!.retrieved.map(({ text, namespace }) => [text, namespace])).toEqual([
    ["the cat sleeps", undefined],
    ["the cat eats at noon", team],
  ]);
  expect(answer!.selected).toEqual(["m2"]);
});

test("words find what vectors rank low", async () => {
  const bank = new MemoryBank({ store, namespace: user });
  await bank.apply([{ event: "ADD", text: "zzz the code is QX4711 zzz" }], [], turn("Ana"));
  const found = await bank.retrieve("QX4711", { limit: 1, mode: "text" });
  expect(found[0]!.value.text).toContain("QX4711");
  expect(await bank.retrieve("QX4711", { limit: 5, mode: "hybrid" })).toHaveLength(2);
});
