import { beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../../src/errors.js";
import type { Dialogue } from "../../../src/evaluate/dialogue.js";
import type { EpisodeEvent } from "../../../src/trace/episode.js";
import { recordedDialogues } from "../../../src/train/tasks/links.js";
import { managerDialogueTask } from "../../../src/train/tasks/manager-dialogue-task.js";
import { operations } from "../../memory/scripted-model.js";
import { byteTokenizer } from "../../model/fake-engine.js";
import {
  addFacts,
  aliasOf,
  factsOf,
  play,
  questionsAsked,
  recordWorld,
  scriptedPolicy,
  turn,
} from "../recorded-world.js";
import type { ScriptedCall } from "../scripted-engine.js";

let events: EpisodeEvent[];
beforeAll(async () => {
  events = await recordWorld();
});

const groupSize = 3;

/** Attempt 0 keeps all, attempt 1 is never readable, attempt 2 cannot be read where there is a dog. */
function attempts({ prompt, request }: ScriptedCall): string {
  const attempt = request % groupSize;
  if (attempt === 1 || (attempt === 2 && factsOf(prompt)[0]!.includes("dog"))) return "no operations";
  return addFacts(prompt);
}

const task = () => {
  const policy = scriptedPolicy(attempts);
  const dialogues = recordedDialogues(events);
  return { policy, task: managerDialogueTask(dialogues, { policy, adapter: "manager", reward: "exact-match" }) };
};

const options = { groupSize, temperature: 1, seed: 5 };
const one = JSON.stringify(["dialogues", "one"]);
const two = JSON.stringify(["dialogues", "two"]);

describe("whole dialogues", () => {
  it("say how the answers' memories are chosen that reward them", () => {
    expect(task().task.retrieval).toEqual({ memoriesPerSpeaker: 30, namedSpeakersOnly: false });
  });

  it("start from an empty bank, live through all turns with facts, and earn the mean of their questions", async () => {
    const [group] = await task().task.rollouts([one], options);
    expect(group!.item).toBe(one);
    expect(group!.rollouts.map(({ outcome }) => outcome)).toEqual([1, 0, 2 / 3]);
    expect(group!.rollouts.map(({ samples }) => samples.length)).toEqual([3, 3, 3]);
    const prompts = group!.rollouts.map(({ samples }) =>
      samples.map(({ promptIds }) => byteTokenizer.decode(promptIds)),
    );
    for (const [first] of prompts) expect(first).toContain("Memories:\n(none)");
    expect(prompts[0]![2]).toContain("Ana has a cat");
    // What other attempts added is not in this one's bank.
    for (const prompt of prompts[1]!) expect(prompt).toContain("Memories:\n(none)");
  });

  it("count their operations and the share of decisions that could be read", async () => {
    const [group] = await task().task.rollouts([one], options);
    expect(group!.rollouts.map(({ format }) => format)).toEqual([1, 0, 2 / 3]);
    expect(group!.rollouts.map(({ operations }) => operations)).toEqual([{ ADD: 3 }, {}, { ADD: 2 }]);
  });

  it("of different lengths go side by side, each asked its own questions", async () => {
    const { policy, task: both } = task();
    const groups = await both.rollouts([two, one], options);
    expect(groups.map(({ item }) => item)).toEqual([two, one]);
    expect(groups.map(({ rollouts }) => rollouts.map(({ outcome }) => outcome))).toEqual([
      [1, 0, 1],
      [1, 0, 2 / 3],
    ]);
    expect(groups.map(({ rollouts }) => rollouts[0]!.samples.length)).toEqual([2, 3]);
    const [cy, ana] = ["What does Cy paint?", "Where is home?"].map((question) =>
      policy.engine.asked.filter(({ prompt }) => prompt.includes(question)).map(({ prompt }) => prompt),
    );
    expect(cy!.some((prompt) => prompt.includes("Ana"))).toBe(false);
    expect(ana!.some((prompt) => prompt.includes("Cy"))).toBe(false);
    expect(questionsAsked(policy).length).toBeGreaterThan(0);
  });

  it("draw other random streams for each attempt, turn and seed", async () => {
    const { policy, task: both } = task();
    await both.rollouts([one], options);
    await both.rollouts([one], { ...options, seed: 6 });
    const sampled = policy.engine.requests.filter(({ temperature }) => temperature > 0);
    expect(sampled).toHaveLength(2 * 3 * groupSize);
    expect(new Set(sampled.map(({ seed }) => seed)).size).toBe(sampled.length);
  });

  it("are asked each question after the turn that it follows, as when it was recorded", async () => {
    const told: Dialogue = {
      id: "moved",
      speakers: ["Ana", "Bo"],
      turns: [turn("D1:1", "Ana", "Ana lives in Oslo"), turn("D1:2", "Bo"), turn("D1:3", "Ana", "Ana lives in Rome")],
      questions: [
        { id: "first", text: "Where was home first?", gold: "Oslo", evidence: ["D1:1"], after: "D1:2" },
        { id: "now", text: "Where is home now?", gold: "Rome", evidence: ["D1:3"] },
      ],
    };
    const move = ({ prompt }: { readonly prompt: string }) => {
      const id = aliasOf(prompt, "Oslo");
      return id === undefined ? addFacts(prompt) : operations({ event: "UPDATE", id, text: "Ana lives in Rome" });
    };
    const dialogues = recordedDialogues(await play([told], (prompt) => move({ prompt })));
    const policy = scriptedPolicy(move, [told]);
    const moved = managerDialogueTask(dialogues, { policy, adapter: "manager", reward: "exact-match" });
    const [group] = await moved.rollouts(moved.items, { ...options, groupSize: 1 });
    expect(group!.rollouts.map(({ outcome, operations: made }) => [outcome, made])).toEqual([
      [1, { ADD: 1, UPDATE: 1 }],
    ]);
  });

  it("need facts and questions that have gold answers", () => {
    const { policy } = task();
    const silent = recordedDialogues(events.filter(({ type }) => type !== "answer"));
    expect(() => managerDialogueTask(silent, { policy, adapter: "manager", reward: "f1" })).toThrow(UsageError);
  });
});
