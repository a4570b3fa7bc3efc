import { readAnswer } from "../memory/answer.js";
import { type RewardName, rewards } from "../reward/rewards.js";
import type { Answer, RetrievedMemory } from "../trace/episode.js";
import type { GoldQuestion, RecordedDialogue } from "./links.js";
import { noItems } from "./manager-decisions.js";
import { encodeRecorded, type Policy, responseText, sample, toSample } from "./policy.js";
import type { RolloutGroup, RolloutOptions, Task } from "./rollout.js";
import { streamSeed } from "./seeds.js";

export interface AnswerTaskOptions {
  readonly policy: Policy;
  /** Adapter that is trained. */
  readonly adapter: string;
  readonly reward: RewardName;
}

interface Item {
  readonly question: GoldQuestion;
  readonly retrieved: readonly RetrievedMemory[];
  readonly promptIds: readonly number[];
}

/** The Answer Agent's task: answer recorded prompts, whose memories were retrieved when they were recorded; the score is the outcome. */
export function answers(dialogues: readonly RecordedDialogue[], { policy, adapter, reward }: AnswerTaskOptions): Task {
  const items = new Map(dialogues.flatMap((dialogue) => itemsOf(dialogue, policy)));
  if (items.size === 0) throw noItems("answered questions with a gold answer");

  async function rollouts(
    ids: readonly string[],
    { groupSize, temperature, seed }: RolloutOptions,
  ): Promise<RolloutGroup[]> {
    const chosen = ids.map((id) => items.get(id)!);
    const prompts = chosen.map(({ promptIds }) => promptIds);
    const seeds = ids.map((id) => streamSeed(seed, id));
    const generations = await sample(policy, adapter, prompts, { count: groupSize, temperature, seeds });
    return chosen.map(({ question, retrieved, promptIds }, i) => ({
      item: ids[i]!,
      rollouts: generations[i]!.map((generation) => {
        const { answer, unparsable } = readAnswer(responseText(policy, generation), retrieved);
        return {
          samples: [toSample(promptIds, generation)],
          outcome: rewards[reward](answer, question.gold, question.category),
          format: Number(unparsable === null),
          operations: {},
        };
      }),
    }));
  }

  return { name: "answerer", items: [...items.keys()], rollouts };
}

function itemsOf({ events, calls }: RecordedDialogue, policy: Policy): [string, Item][] {
  const answered = events.filter((event): event is Answer => event.type === "answer");
  return answered.flatMap(({ id, callId, question, retrieved }) => {
    const { gold } = question;
    const call = callId === undefined ? undefined : calls.get(callId);
    if (gold === undefined || call === undefined) return [];
    return [[id, { question: { ...question, gold }, retrieved, promptIds: encodeRecorded(policy, call) }]];
  });
}
