import { beforeAll, describe, expect, it } from "vitest";
import { FileError, UsageError } from "../../../src/errors.js";
import type { EpisodeEvent } from "../../../src/trace/episode.js";
import { rewardOf } from "../../../src/train/algorithm/reward.js";
import { grpo } from "../../../src/train/presets/grpo.js";
import { summarise } from "../../../src/train/run/metrics.js";
import { answerTask } from "../../../src/train/tasks/answer-task.js";
import { recordedDialogues } from "../../../src/train/tasks/links.js";
import { answerFromMemories, recordWorld, scriptedPolicy } from "../recorded-world.js";

let events: EpisodeEvent[];
beforeAll(async () => {
  events = await recordWorld();
});

const task = (recorded: readonly EpisodeEvent[] = events, evidence = 0) => {
  const policy = scriptedPolicy(({ prompt, response }) => {
    const replies = [answerFromMemories(prompt), "**Answer:** cat", "cat", "Memories: m9\n**Answer:** A dog, a cat"];
    return replies[response]!;
  });
  return answerTask(recordedDialogues(recorded), {
    policy,
    adapter: "answerer",
    reward: "exact-match",
    evidenceWeight: evidence,
  });
};

const answerTo = (question: string) =>
  events.find((event) => event.type === "answer" && event.question.id === question)! as EpisodeEvent & {
    readonly callId: string;
  };

const options = { groupSize: 4, temperature: 1, seed: 5 };

describe("answers", () => {
  it("are scored against the gold answer of their own question", async () => {
    const groups = await task().rollouts(
      ["cat", "home"].map((id) => answerTo(id).id),
      options,
    );
    expect(groups.map(({ rollouts }) => rollouts.map(({ outcome }) => outcome))).toEqual([
      [1, 1, 0, 0],
      [1, 0, 0, 0],
    ]);
  });

  it("say how their memories were chosen: as recorded, else as the policy does; nothing where that differs", () => {
    const recorded = { memoriesPerSpeaker: 4, namedSpeakersOnly: true, search: "hybrid" as const };
    const answersWith = (retrieval: (at: number) => object) =>
      events.map((event, at) =>
        event.type === "answer" ? { ...event, retrieval: undefined, ...retrieval(at) } : event,
      );
    expect(task(answersWith(() => ({ retrieval: recorded }))).retrieval).toEqual(recorded);
    expect(task(answersWith(() => ({}))).retrieval).toEqual({ memoriesPerSpeaker: 30, namedSpeakersOnly: false });
    const mixed = answersWith((at) => ({ retrieval: { ...recorded, memoriesPerSpeaker: at } }));
    expect(task(mixed)).not.toHaveProperty("retrieval");
  });

  it("count text without an answer as unreadable", async () => {
    const [group] = await task().rollouts([answerTo("cat").id], options);
    expect(group!.rollouts.map(({ format }) => format)).toEqual([1, 1, 0, 1]);
  });

  it("are sampled from the recorded prompt, token for token", async () => {
    const { id, callId } = answerTo("pets");
    const call = events.find((event) => event.id === callId) as { promptIds: number[] };
    const [group] = await task().rollouts([id], options);
    for (const { samples } of group!.rollouts) expect(samples[0]!.promptIds).toEqual(call.promptIds);
  });

  it("are refused when the recorded prompt gives other tokens than were recorded", () => {
    const other = events.map((event) =>
      event.id === answerTo("home").callId && event.type === "model_call" ? { ...event, promptIds: [1] } : event,
    );
    expect(() => task(other)).toThrow(FileError);
  });

  it("earn something for naming the memories that hold the evidence, where that is asked", async () => {
    const { id } = answerTo("cat");
    const [plain] = await task().rollouts([id], options);
    expect(plain!.rollouts.every((rollout) => !("evidence" in rollout))).toBe(true);
    const [group] = await task(events, 0.5).rollouts([id], options);
    // The first names m1, which holds the turn; the last names a memory that was not shown.
    expect(group!.rollouts.map(({ evidence }) => evidence)).toEqual([0.5, 0, 0, 0]);
    expect(group!.rollouts.map((rollout) => rewardOf(rollout, grpo))).toEqual([1.5, 1, 0, 0.1]);
    expect(summarise([group!], grpo, 0).evidenceReward).toBeCloseTo(0.125);
    expect(summarise([plain!], grpo, 0).evidenceReward).toBeUndefined();
  });

  it("need questions that were answered", () => {
    expect(() => task(events.filter(({ type }) => type !== "answer"))).toThrow(UsageError);
  });
});
