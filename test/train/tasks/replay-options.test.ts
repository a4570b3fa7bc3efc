import { afterEach, expect, it, vi } from "vitest";
import type { Dialogue } from "../../../src/evaluate/dialogue.js";
import { MemoryBank } from "../../../src/memory/bank/bank.js";
import { recordedDialogues } from "../../../src/train/tasks/links.js";
import { managerDecisionTask } from "../../../src/train/tasks/manager-decision-task.js";
import { managerDialogueTask } from "../../../src/train/tasks/manager-dialogue-task.js";
import { addFacts, play, scriptedPolicy, turn } from "../recorded-world.js";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Most turns leave no memory. */
const told: Dialogue = {
  id: "one",
  speakers: ["Ana", "Bo"],
  turns: [
    turn("D1:1", "Ana", "Ana has a cat"),
    ...[2, 3, 4, 5, 6].map((n) => turn(`D1:${n}`, "Bo")),
    turn("D1:7", "Ana", "Ana lives in Rome"),
  ],
  questions: [{ id: "home", text: "Where is home?", gold: "Rome", evidence: ["D1:7"] }],
};

it.each([
  ["a decision", managerDecisionTask, true],
  ["a whole dialogue", managerDialogueTask, true],
  ["a decision of a file without orders", managerDecisionTask, false],
  ["a whole dialogue of a file without orders", managerDialogueTask, false],
])("%s writes memories at the positions at which they were recorded", async (_, make, ordered) => {
  const recorded = await play([told], addFacts);
  const events = recorded.map((event) => {
    if (event.type !== "memory_step" || ordered) return event;
    const { order: __, ...older } = event;
    return older;
  });
  const apply = vi.spyOn(MemoryBank.prototype, "apply");
  const policy = scriptedPolicy(({ prompt }) => addFacts(prompt), [told]);
  const task = make(recordedDialogues(events), { policy, adapter: "manager", reward: "exact-match" });
  await task.rollouts(task.items.slice(-1), { groupSize: 1, temperature: 1, seed: 0 });
  const [last] = await apply.mock.results.at(-1)!.value;
  expect(last.after).toMatchObject({ text: "Ana lives in Rome", order: 6 });
});
