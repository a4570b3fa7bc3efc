import { beforeAll, describe, expect, it } from "vitest";
import { FileError, UsageError } from "../../../src/errors.js";
import type { EpisodeEvent } from "../../../src/trace/episode.js";
import type { RolloutGroup } from "../../../src/train/rollout.js";
import { recordedDialogues } from "../../../src/train/tasks/links.js";
import { managerDecisionTask } from "../../../src/train/tasks/manager-decision-task.js";
import { operations } from "../../memory/scripted-model.js";
import { byteTokenizer } from "../../model/fake-engine.js";
import { addFacts, aliasOf, factsOf, questionsAsked, recordWorld, scriptedPolicy } from "../recorded-world.js";
import type { ScriptedCall } from "../scripted-engine.js";

let events: EpisodeEvent[];
beforeAll(async () => {
  events = await recordWorld();
});

/** What four attempts do: keep all, write nothing that can be read, delete the cat, delete the home. */
function attempts({ prompt, response }: ScriptedCall): string {
  const added = factsOf(prompt).map((text) => ({ event: "ADD", text }));
  const without = (word: string) => {
    const id = aliasOf(prompt, word);
    return operations(...added, ...(id === undefined ? [] : [{ event: "DELETE", id }]));
  };
  return [addFacts(prompt), "no operations", without("cat"), without("Rome")][response]!;
}

const task = (retentionQuestions?: number, recorded: readonly EpisodeEvent[] = events) => {
  const policy = scriptedPolicy(attempts);
  const retention = retentionQuestions === undefined ? {} : { retentionQuestions };
  const dialogues = recordedDialogues(recorded);
  return {
    policy,
    task: managerDecisionTask(dialogues, { policy, adapter: "manager", reward: "exact-match", ...retention }),
  };
};

/** Id of the step at a turn of conversation "one". */
const stepAt = (turn: string): string =>
  events.find((event) => event.type === "memory_step" && event.turn.id === turn && event.namespace.at(-1) === "one")!
    .id;

const options = { groupSize: 4, temperature: 1, seed: 5 };
const outcomes = ([group]: readonly RolloutGroup[]) => group!.rollouts.map(({ outcome }) => outcome);

describe("manager decisions", () => {
  it("are the recorded ones whose turn decides a question", () => {
    const turns = events.flatMap((event) =>
      event.type === "memory_step" && task().task.items.includes(event.id)
        ? [`${event.namespace.at(-1)} ${event.turn.id}`]
        : [],
    );
    expect(turns.sort()).toEqual(["one D1:1", "one D1:3", "one D1:4", "two D1:1"]);
  });

  it("say how the answers' memories are chosen that reward them", () => {
    const policy = { ...scriptedPolicy(attempts), memoriesPerSpeaker: 4 };
    const options = { policy, adapter: "manager", reward: "exact-match" } as const;
    const { retrieval } = managerDecisionTask(recordedDialogues(events), options);
    expect(retrieval).toEqual({ memoriesPerSpeaker: 4, namedSpeakersOnly: false });
  });

  it("earn the share of right answers from a fork of the bank of their own", async () => {
    // The turn's question needs the cat and the dog. Forks that shared a bank would all lack what one deleted.
    expect(outcomes(await task(0).task.rollouts([stepAt("D1:4")], options))).toEqual([1, 0, 0, 1]);
  });

  it("are asked the latest questions of earlier turns too, so that forgetting them costs", async () => {
    const { policy, task: one } = task(1);
    expect(outcomes(await one.rollouts([stepAt("D1:4")], options))).toEqual([1, 0.5, 0.5, 0.5]);
    expect(new Set(questionsAsked(policy))).toEqual(new Set(["Which pets are there?", "Where is home?"]));
    // The question about the cat rests on a turn that the decision's own question rests on too: the later one stands for it.
    const all = task(9);
    expect(outcomes(await all.task.rollouts([stepAt("D1:4")], options))).toEqual([1, 0.5, 0.5, 0.5]);
    expect(new Set(questionsAsked(all.policy))).toEqual(new Set(["Which pets are there?", "Where is home?"]));
    const first = task(9);
    await first.task.rollouts([stepAt("D1:1")], options);
    expect(new Set(questionsAsked(first.policy))).toEqual(new Set(["Which pet came first?"]));
  });

  it("leave the recorded bank as it was: the same attempts earn the same again", async () => {
    const before = structuredClone(events);
    const { task: again } = task();
    const ids = [...again.items];
    const first = await again.rollouts(ids, options);
    expect(await again.rollouts(ids, options)).toEqual(first);
    expect(events).toEqual(before);
  });

  it("count text that cannot be read, which leaves the bank as it was", async () => {
    const [group] = await task().task.rollouts([stepAt("D1:4")], options);
    expect(group!.rollouts.map(({ format }) => format)).toEqual([1, 0, 1, 1]);
    expect(group!.rollouts.map(({ operations }) => operations)).toEqual([
      { ADD: 1 },
      {},
      { ADD: 1, DELETE: 1 },
      { ADD: 1, DELETE: 1 },
    ]);
  });

  it("sample from the recorded prompt, token for token", async () => {
    const [group] = await task().task.rollouts([stepAt("D1:4")], options);
    const { callId } = events.find((event) => event.type === "memory_step" && event.id === stepAt("D1:4")) as {
      callId: string;
    };
    const call = events.find((event) => event.type === "model_call" && event.id === callId);
    const { promptIds } = call as { promptIds: number[] };
    for (const { samples } of group!.rollouts) expect(samples.map((sample) => sample.promptIds)).toEqual([promptIds]);
    expect(byteTokenizer.decode(group!.rollouts[1]!.samples[0]!.responseIds)).toBe("no operations");
  });

  it("draw from a random stream that does not depend on what shares the batch", async () => {
    const { policy, task: one } = task();
    const [first, second] = one.items as [string, string];
    const seeds = async (ids: string[], seed: number) => {
      const from = policy.engine.requests.length;
      await one.rollouts(ids, { ...options, seed });
      return policy.engine.requests.slice(from, from + ids.length).map((request) => request.seed);
    };
    const together = await seeds([first, second], 5);
    expect(await seeds([second, first], 5)).toEqual(together.toReversed());
    expect(new Set([...together, ...(await seeds([first, second], 6))]).size).toBe(4);
  });

  it("answer equal prompts once", async () => {
    const { policy, task: one } = task(0);
    await one.rollouts([stepAt("D1:4")], options);
    // Attempts 2 and 3 differ in what they deleted, 0 and 1 in what they added.
    expect(questionsAsked(policy)).toHaveLength(4);
    await one.rollouts([stepAt("D1:1")], options);
    // Here all but the unreadable one add the same fact.
    expect(questionsAsked(policy)).toHaveLength(6);
  });

  it("are refused when the recorded prompt gives other tokens than were recorded", () => {
    const other = events.map((event) =>
      event.type === "model_call" && event.promptIds !== undefined
        ? { ...event, promptIds: [...event.promptIds, 7] }
        : event,
    );
    expect(() => task(1, other)).toThrow(FileError);
    expect(() => task(1, other)).toThrow(/train with the model that recorded the episodes/);
  });

  it("need questions that have gold answers", () => {
    expect(() =>
      task(
        1,
        events.filter(({ type }) => type !== "answer"),
      ),
    ).toThrow(UsageError);
  });
});
