import { InMemoryStore } from "@langchain/langgraph";
import { beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { createAnswerAgent } from "../../src/memory/answer.js";
import { MemoryBank } from "../../src/memory/bank/bank.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { answerState } from "../../src/memory/state.js";
import type { MemoryOrder } from "../../src/trace/episode.js";
import { LetterEmbeddings } from "./letter-embeddings.js";
import { lastText, ScriptedModel } from "./scripted-model.js";

const namespace = ["memories", "test"];
let store: InMemoryStore;

beforeEach(async () => {
  store = new InMemoryStore({ index: { dims: 64, embeddings: new LetterEmbeddings() } });
  const bank = new MemoryBank({ store, namespace });
  for (const [order, [speaker, text]] of [
    ["Bo", "Bo has a cat"],
    ["Ana", "Ana lives in Oslo"],
    ["Ana", "Ana plays the cello"],
    ["Ana", "Ana lives in Bergen"],
  ].entries()) {
    const turn = { id: `D1:${order}`, speaker: speaker!, text: text!, time: `${order + 1} May 2023` };
    await bank.apply([{ event: "ADD", text: text! }], [], turn);
  }
});

const question = { id: "q1", text: "Where does Ana live?", gold: "Bergen" };

test("the answerer sees each speaker's nearest memories, oldest first, and never the gold answer", async () => {
  const model = new ScriptedModel("Memories: m2, m3, m9\n**Answer:** Bergen");
  const graph = createAnswerAgent({ model, store, namespace, prompts: compactPrompts, memoriesPerSpeaker: 2 });
  const { answer } = await graph.compile().invoke({ question });
  expect(lastText(model.asked[0]!)).toBe(
    [
      "Memories of Bo:",
      "Bo has a cat (1 May 2023) m1",
      "Memories of Ana:",
      "Ana lives in Oslo (2 May 2023) m2",
      "Ana lives in Bergen (4 May 2023) m3",
      "Question: Where does Ana live?",
    ].join("\n"),
  );
  expect(answer).toMatchObject({ answer: "Bergen", selected: ["m2", "m3"], unparsable: null, question, namespace });
  expect(answer!.retrieved.map(({ alias }) => alias)).toEqual(["m1", "m2", "m3"]);
  expect(answer!.retrieval).toEqual({ memoriesPerSpeaker: 2, namedSpeakersOnly: false });
});

test("the memories of each speaker are listed by time, or by rank, the nearest first or next to the question", async () => {
  const listed = async (order?: MemoryOrder) => {
    const model = new ScriptedModel("**Answer:** Bergen");
    const options = { model, store, namespace, prompts: compactPrompts, memoriesPerSpeaker: 3 };
    const graph = createAnswerAgent(order === undefined ? options : { ...options, order }).compile();
    const { answer } = await graph.invoke({
      question: { ...question, text: "Ana plays the cello" },
      speakers: ["Bo", "Ana"],
    });
    expect(answer!.retrieved.map(({ alias }) => alias)).toEqual(["m1", "m2", "m3", "m4"]);
    return { texts: answer!.retrieved.map(({ text }) => text), order: answer!.retrieval!.order };
  };
  const [bo, oslo, cello, bergen] = ["Bo has a cat", "Ana lives in Oslo", "Ana plays the cello", "Ana lives in Bergen"];
  expect(await listed()).toEqual({ texts: [bo, oslo, cello, bergen], order: undefined });
  expect(await listed("oldest-first")).toEqual({ texts: [bo, oslo, cello, bergen], order: undefined });
  expect(await listed("nearest-first")).toEqual({ texts: [bo, cello, oslo, bergen], order: "nearest-first" });
  expect(await listed("nearest-last")).toEqual({ texts: [bo, bergen, oslo, cello], order: "nearest-last" });
});

test("what was told around a memory counts for it where that is asked", async () => {
  const shown = async (adjacent: boolean) => {
    const model = new ScriptedModel("**Answer:** Bergen");
    const options = { model, store, namespace, prompts: compactPrompts, memoriesPerSpeaker: 1, adjacent };
    const { answer } = await createAnswerAgent(options)
      .compile()
      .invoke({ question: { id: "q3", text: "Bo has a cat" }, speakers: ["Ana"] });
    return { texts: answer!.retrieved.map(({ text }) => text), adjacent: answer!.retrieval!.adjacent };
  };
  expect(await shown(false)).toEqual({ texts: ["Ana lives in Bergen"], adjacent: undefined });
  // Told right after what Bo said, whose memory is the nearest of all.
  expect(await shown(true)).toEqual({ texts: ["Ana lives in Oslo"], adjacent: true });
});

test("what ranks the memories is an option, and is recorded where it is not the vectors", async () => {
  const answered = async (search: "vector" | "hybrid") => {
    const options = { store, namespace, prompts: compactPrompts, memoriesPerSpeaker: 1, search };
    const graph = createAnswerAgent({ ...options, model: new ScriptedModel("**Answer:** the cello") }).compile();
    return (await graph.invoke({ question: { id: "q2", text: "cello?" }, speakers: ["Ana"] })).answer!;
  };
  const hybrid = await answered("hybrid");
  expect(hybrid.retrieved.map(({ text }) => text)).toEqual(["Ana plays the cello"]);
  expect(hybrid.retrieval).toEqual({ memoriesPerSpeaker: 1, namedSpeakersOnly: false, search: "hybrid" });
  expect((await answered("vector")).retrieval).toEqual({ memoriesPerSpeaker: 1, namedSpeakersOnly: false });
});

test("speakers may be named", async () => {
  const model = new ScriptedModel("**Answer:** a cat");
  const graph = createAnswerAgent({ model, store, namespace, prompts: compactPrompts }).compile();
  const { answer } = await graph.invoke({ question, speakers: ["Bo", "Cy"] });
  expect(answer!.retrieved.map(({ text }) => text)).toEqual(["Bo has a cat"]);
});

test("an answer without its mark is empty and recorded as unparsable", async () => {
  const graph = createAnswerAgent({ model: new ScriptedModel("Bergen, I think"), store, namespace }).compile();
  const { answer } = await graph.invoke({ question });
  expect(answer).toMatchObject({ answer: "", selected: [], unparsable: "no **Answer:**" });
});

test("an extended state gives the graph channels of the caller's own", async () => {
  const graph = createAnswerAgent(
    { model: new ScriptedModel("**Answer:** x"), store, namespace },
    answerState.extend({ tone: z.string().optional() }),
  ).compile();
  expect((await graph.invoke({ question, tone: "dry" })).tone).toBe("dry");
});
