import { expect, it } from "vitest";
import { openConversation, partLine } from "../../src/cli/conversation.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { addingManager, newStore } from "../evaluate/played-world.js";
import { lastText, ScriptedModel } from "../memory/scripted-model.js";

const open = () => {
  const shown: string[] = [];
  const extractor = new ScriptedModel((messages) => JSON.stringify({ facts: [lastText(messages).split(": ")[1]] }));
  const answerer = new ScriptedModel("Memories: m1\n**Answer:** Oslo");
  const { take } = openConversation({
    extractor,
    answerer,
    manager: addingManager(),
    prompts: compactPrompts,
    store: newStore(),
    namespace: ["chat", "Ana"],
    user: "Ana",
    write: (text) => shown.push(text),
    now: () => new Date(Date.UTC(2023, 4, 7)),
  });
  const say = async (line: string): Promise<string> => {
    shown.length = 0;
    await take(line);
    return shown.join("");
  };
  return { say, take, extractor, answerer };
};

it("remembers what is told, dated and under the user's name, and lists it", async () => {
  const { say, extractor } = open();
  expect(await say("I live in Oslo")).toBe("  + I live in Oslo\n");
  expect(lastText(extractor.asked[0]!)).toBe("7 May 2023 Ana: I live in Oslo");
  expect(await say("/memories")).toBe("  (7 May 2023) I live in Oslo\n");
});

it("answers from the memories, each reply shown once", async () => {
  const { say, answerer } = open();
  await say("I live in Oslo");
  expect(await say("/ask Where do I live")).toBe("Memories: m1\n**Answer:** Oslo\n");
  expect(lastText(answerer.asked[0]!)).toContain("I live in Oslo (7 May 2023) m1\nQuestion: Where do I live");
});

it("remembers nothing of a question, but what was told before it", async () => {
  const { say, extractor } = open();
  expect(await say("I live in Oslo. Do you know it?")).toBe("  + I live in Oslo.\nMemories: m1\n**Answer:** Oslo\n");
  await say("Where do I live?");
  expect(extractor.asked).toHaveLength(1);
});

it("parts a line at its last question", () => {
  expect(partLine("Where?")).toEqual({ told: "", asked: "Where?" });
  expect(partLine("I moved! To Oslo. Nice, isn't it?")).toEqual({
    told: "I moved! To Oslo.",
    asked: "Nice, isn't it?",
  });
  expect(partLine("I paid 3.50. Right")).toEqual({ told: "I paid 3.50. Right", asked: "" });
  expect(partLine("???")).toEqual({ told: "", asked: "???" });
});

it("ends on /quit, and explains itself on what it does not know", async () => {
  const { say, take } = open();
  expect(await say("/help")).toContain("/memories");
  expect(await take("/quit")).toBe(false);
});
