import { readAnswer } from "../memory/answer.js";
import { type RewardName, rewards } from "../reward/rewards.js";
import type { Answer, RetrievedMemory } from "../trace/episode.js";
import { type Candidate, itemsOf, promptCandidate } from "./candidates.js";
import { recordedMark } from "./conversations.js";
import type { GoldQuestion, RecordedDialogue } from "./links.js";
import { encodeRecorded, type Policy, responseText, sampleItems, toSample } from "./policy.js";
import type { RolloutGroup, RolloutOptions, Task } from "./rollout.js";

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
  const candidates = dialogues.flatMap((dialogue) => candidatesOf(dialogue, policy));
  const { items, skipped } = itemsOf(candidates, "answered questions with a gold answer");

  async function rollouts(ids: readonly string[], options: RolloutOptions): Promise<RolloutGroup[]> {
    const sampled = await sampleItems(policy, adapter, items, ids, options);
    return sampled.map(({ id, item: { question, retrieved, promptIds }, generations }) => ({
      item: id,
      rollouts: generations.map((generation) => {
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

  return {
    name: "answerer",
    items: [...items.keys()],
    skipped,
    conversations: dialogues.map(recordedMark),
    rollouts,
  };
}

function candidatesOf({ events, calls }: RecordedDialogue, policy: Policy): Candidate<Item>[] {
  const answered = events.filter((event): event is Answer => event.type === "answer");
  return answered.map(({ id, callId, question, retrieved }) => {
    const { gold } = question;
    const call = callId === undefined ? undefined : calls.get(callId);
    if (gold === undefined) return { skipped: "no gold answer" };
    if (call === undefined) return { skipped: "no model decided" };
    const item = { question: { ...question, gold }, retrieved, promptIds: encodeRecorded(policy, call) };
    return promptCandidate(policy, id, item);
  });
}
