import { describe, expect, it } from "vitest";
import type { Dialogue } from "../../src/evaluate/dialogue.js";
import { recordedDialogues } from "../../src/train/tasks/links.js";
import { managerDecisionTask } from "../../src/train/tasks/manager-decision-task.js";
import { operations } from "../memory/scripted-model.js";
import { addFacts, aliasOf, factsOf, play, questionsAsked, scriptedPolicy, turn } from "./recorded-world.js";

/** The last turn's decision is shown the memory of the cat, which a turn between may have updated. */
const dialogue = (between: string, evidence: boolean): Dialogue => ({
  id: "one",
  speakers: ["Ana", "Bo"],
  turns: [turn("D1:1", "Ana", "Ana has a cat"), turn("D1:2", "Ana", between), turn("D1:3", "Ana", "Ana has a dog")],
  questions: [
    { id: "cat", text: "Which pet came first?", gold: "cat", ...(evidence ? { evidence: ["D1:1"] } : {}) },
    { id: "dog", text: "Which pet came last?", gold: "dog", ...(evidence ? { evidence: ["D1:3"] } : {}) },
  ],
});

/** Keeps every fact, but mends the cat where it hears of its colour. */
function mend(prompt: string): string {
  const id = aliasOf(prompt, "cat");
  if (id === undefined || !factsOf(prompt)[0]!.includes("black")) return addFacts(prompt);
  return operations({ event: "UPDATE", id, text: "Ana has a black cat" });
}

describe("a decision that can spoil an earlier memory", () => {
  it.each([
    ["as it was first told", "Ana sails", true],
    ["after an update", "Ana's cat is black", true],
    ["as it was first told, known by what a right answer named", "Ana sails", false],
    ["after an update, known by what a right answer named", "Ana's cat is black", false],
  ])("is asked what rests on it, %s", async (_, between, evidence) => {
    const told = dialogue(between, evidence);
    const events = await play([told], mend);
    const forget = ({ prompt }: { readonly prompt: string }) =>
      operations({ event: "DELETE", id: aliasOf(prompt, "cat")! });
    const policy = scriptedPolicy(forget, [told]);
    const task = managerDecisionTask(recordedDialogues(events), { policy, adapter: "manager", reward: "exact-match" });
    const step = events.find((event) => event.type === "memory_step" && event.turn.id === "D1:3")!;
    await task.rollouts([step.id], { groupSize: 1, temperature: 1, seed: 1 });
    expect(new Set(questionsAsked(policy))).toEqual(new Set(["Which pet came first?", "Which pet came last?"]));
  });
});
