import { beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.js";
import { MemoryBank } from "../../src/memory/bank/bank.js";
import type { EpisodeEvent } from "../../src/trace/episode.js";
import type { Task } from "../../src/train/rollout.js";
import { answerTask } from "../../src/train/tasks/answer-task.js";
import { outcomeOf, scoreInquiries } from "../../src/train/tasks/answering.js";
import { recordedDialogues } from "../../src/train/tasks/links.js";
import { managerDecisionTask } from "../../src/train/tasks/manager-decision-task.js";
import { managerDialogueTask } from "../../src/train/tasks/manager-dialogue-task.js";
import { newStore } from "../evaluate/played-world.js";
import { addFacts, recordWorld, scriptedPolicy } from "./recorded-world.js";

let events: EpisodeEvent[];
beforeAll(async () => {
  events = await recordWorld();
});

const tasks = { answerTask, managerDecisionTask, managerDialogueTask };

function make(kind: keyof typeof tasks, recorded: readonly EpisodeEvent[] = events, contextLength = 4096): Task {
  const policy = scriptedPolicy(({ prompt }) => addFacts(prompt));
  Object.assign(policy.engine, { info: { ...policy.engine.info, contextLength } });
  return tasks[kind](recordedDialogues(recorded), { policy, adapter: "a", reward: "exact-match" });
}

const without = (key: "gold" | "callId") =>
  events.map((event) => {
    if (event.type !== "answer") return event;
    const { gold: _, ...question } = event.question;
    const { callId: __, ...uncalled } = event;
    if (key === "callId") return question.id === "cat" ? uncalled : event;
    return question.id === "cat" ? { ...event, question } : event;
  });

/** Lengths of the recorded prompts of one role, in tokens. */
const promptLengths = (begin: string): number[] =>
  events
    .flatMap((event) => (event.type === "model_call" ? [event] : []))
    .filter(({ messages }) => messages[0]!.content.startsWith(begin))
    .map(({ promptIds }) => promptIds!.length)
    .sort((a, b) => a - b);

describe("what was recorded and makes no item", () => {
  it("is counted by its reason", () => {
    expect(make("managerDecisionTask").skipped).toEqual({ "no facts": 2, "no linked question": 1 });
    expect(make("answerTask").skipped).toEqual({});
    expect(make("answerTask", without("gold")).skipped).toEqual({ "no gold answer": 1 });
    expect(make("answerTask", without("callId")).skipped).toEqual({ "no model decided": 1 });
    expect(make("managerDialogueTask").skipped).toEqual({});
  });

  it("are decisions that were tool calls, whose prompts showed the tool", () => {
    const decided = events.flatMap((event) => (event.type === "memory_step" ? (event.callId ?? []) : []))[0]!;
    const called = events.map((event) =>
      event.type === "model_call" && event.id === decided
        ? { ...event, toolCalls: [{ name: "manage_memory", args: { operations: [] } }], promptIds: [1] }
        : event,
    );
    const skipped = { "no facts": 2, "no linked question": 1, "called a tool": 1 };
    expect(make("managerDecisionTask", called).skipped).toEqual(skipped);
  });

  it("and the items are all that was recorded", () => {
    const task = make("managerDecisionTask");
    const steps = events.filter(({ type }) => type === "memory_step");
    expect(task.items.length + Object.values(task.skipped!).reduce((a, b) => a + b, 0)).toBe(steps.length);
  });

  it("is named where nothing is left", () => {
    const silent = events.filter(({ type }) => type !== "answer");
    expect(() => make("managerDecisionTask", silent)).toThrow(UsageError);
    expect(() => make("managerDecisionTask", silent)).toThrow(/no linked question: 5/);
    expect(() => make("managerDialogueTask", silent)).toThrow(/no gold answer: 2/);
  });

  it("are prompts that leave no room for a response", () => {
    const lengths = promptLengths("answer");
    const longest = lengths.at(-1)!;
    const tooLong = lengths.filter((length) => length === longest).length;
    const task = make("answerTask", events, longest + 500 - 1);
    expect(task.skipped).toEqual({ "prompt too long": tooLong });
    expect(task.items).toHaveLength(4 - tooLong);
    expect(make("answerTask", events, longest + 500).skipped).toEqual({});
  });
});

describe("a replayed dialogue whose bank has outgrown the context", () => {
  it("goes on without the decisions that cannot be made, and counts them", async () => {
    const shortest = promptLengths("manage")[0]!;
    const task = make("managerDialogueTask", events, shortest + 500 + 8);
    const one = task.items.filter((id) => id.includes("one"));
    const [group] = await task.rollouts(one, { groupSize: 2, temperature: 1, seed: 1 });
    const { rollouts } = group!;
    // Its first turn finds an empty bank; the next two are shown what that added.
    expect(rollouts.map(({ samples }) => samples.length)).toEqual([1, 1]);
    // What was decided before still stands.
    expect(rollouts.map(({ operations }) => operations)).toEqual([{ ADD: 1 }, { ADD: 1 }]);
    const unasked = promptLengths("answer").length;
    expect(unasked).toBeGreaterThan(0);
    for (const { skippedCalls } of rollouts) expect(skippedCalls).toBeGreaterThanOrEqual(2);
  });
});

describe("a question", () => {
  it("for which the memories leave no room is not asked, counts as not answered, and is counted", async () => {
    const policy = scriptedPolicy(() => "");
    const bank = new MemoryBank({ store: newStore(), namespace: ["bank"] });
    const inquiry = {
      bank,
      speakers: ["Ana"],
      question: { id: "cat", text: "Which pet came first?", gold: "unknown" },
    };
    const ask = (contextLength: number) => {
      Object.assign(policy.engine, { info: { ...policy.engine.info, contextLength } });
      return scoreInquiries(policy, undefined, [inquiry], "exact-match");
    };
    const answered = await ask(4096);
    expect(answered).not.toContain(null);
    const prompts = policy.engine.asked.length;
    expect(await ask(510)).toEqual([null]);
    expect(policy.engine.asked).toHaveLength(prompts);
    expect(outcomeOf([1, null, 0.5, null])).toEqual({ outcome: 0.375, skippedCalls: 2 });
  });
});
