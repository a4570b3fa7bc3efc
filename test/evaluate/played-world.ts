import { InMemoryStore } from "@langchain/langgraph";
import { LexicalEmbeddings } from "../../src/store/search/lexical-embeddings.js";
import { generateDialogues, type SyntheticDialogue } from "../../src/synthetic/dialogue.js";
import { lastText, operations, ScriptedModel } from "../memory/scripted-model.js";

const embeddings = new LexicalEmbeddings();
const dims = (await embeddings.embedQuery("dimension")).length;

export const newStore = (): InMemoryStore => new InMemoryStore({ index: { dims, embeddings, fields: ["text"] } });

export const smallWorld = (count = 2): SyntheticDialogue[] =>
  generateDialogues({ seed: 3, count, split: "test", sessions: 2, turnsPerSession: 4 });

/** Adds each fact of its prompt. */
export const addingManager = (): ScriptedModel =>
  new ScriptedModel((messages) => {
    const [, facts = ""] = /Facts [^\n]*\n(.*?)\nMemories:/s.exec(lastText(messages)) ?? [];
    return operations(...facts.split("\n").map((line) => ({ event: "ADD", text: line.slice(2) })));
  });

/** Answers with the gold answer of the question that its prompt ends with. */
export const knowingAnswerer = (dialogues: readonly SyntheticDialogue[]): ScriptedModel => {
  const gold = new Map(dialogues.flatMap(({ questions }) => questions.map(({ text, gold }) => [text, gold] as const)));
  return new ScriptedModel((messages) => {
    const question = /Question: (.*)$/.exec(lastText(messages))?.[1] ?? "";
    return `Memories: m1\n**Answer:** ${gold.get(question)}`;
  });
};
