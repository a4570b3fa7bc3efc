import { readAnswer } from "../../memory/answer.js";
import { retrievalSetting } from "../../memory/bank/retrieve.js";
import { type RewardName, rewards } from "../../reward/rewards.js";
import type { GoldQuestion, MemoryStep, RetrievedMemory } from "../../trace/episode.js";
import { type EvidenceHolders, evidenceHolders } from "../../trace/evidence-holders.js";
import type { RolloutGroup, RolloutOptions, Task } from "../rollout.js";
import { encodeRecorded, type RolloutContext, responseText, sampleItems, toSample } from "../rollout-context.js";
import { recordedRetrievals } from "./adapter-retrieval.js";
import { type Candidate, itemsOf, promptCandidate, recordedFields } from "./candidates.js";
import { evidenceTurns, type RecordedDialogue } from "./links.js";
import { namedEvidence } from "./named-evidence.js";

export interface AnswerTaskOptions {
  readonly policy: RolloutContext;
  /** Adapter that is trained. */
  readonly adapter: string;
  readonly reward: RewardName;
  /**
   * Reward for naming exactly the memories that hold the evidence. An agent that is rewarded for its answers alone
   * unlearns to name them. Default 0.
   */
  readonly evidenceWeight?: number;
}

interface Item {
  readonly question: GoldQuestion;
  readonly retrieved: readonly RetrievedMemory[];
  readonly promptIds: readonly number[];
  readonly holders: EvidenceHolders;
}

/** The Answer Agent's task: answer recorded prompts, whose memories were retrieved when they were recorded; the score is the outcome. */
export function answerTask(
  dialogues: readonly RecordedDialogue[],
  { policy, adapter, reward, evidenceWeight = 0 }: AnswerTaskOptions,
): Task {
  const candidates = dialogues.flatMap((dialogue) => candidatesOf(dialogue, policy));
  const chosen = itemsOf(candidates, "answered questions with a gold answer");
  const { items } = chosen;

  async function rollouts(ids: readonly string[], options: RolloutOptions): Promise<RolloutGroup[]> {
    const sampled = await sampleItems(policy, adapter, items, ids, options);
    return sampled.map(({ id, item: { question, retrieved, promptIds, holders }, generations }) => ({
      item: id,
      rollouts: generations.map((generation) => {
        const { answer, selected, unparsable } = readAnswer(responseText(policy, generation), retrieved);
        return {
          samples: [toSample(promptIds, generation)],
          outcome: rewards[reward](answer, question.gold, question.category),
          format: Number(unparsable === null),
          operations: {},
          ...(evidenceWeight === 0 ? {} : { evidence: evidenceWeight * namedEvidence(selected, holders) }),
        };
      }),
    }));
  }

  return {
    name: "answerer",
    ...recordedFields(dialogues, chosen),
    ...taughtRetrieval(dialogues, policy),
    rollouts,
  };
}

/** As was recorded, since that is what the prompts show; the policy's setting where the episodes do not say. */
function taughtRetrieval(dialogues: readonly RecordedDialogue[], policy: RolloutContext): Pick<Task, "retrieval"> {
  const [recorded, other] = recordedRetrievals(dialogues);
  return other === undefined ? { retrieval: retrievalSetting(recorded ?? policy) } : {};
}

function candidatesOf({ events, calls }: RecordedDialogue, policy: RolloutContext): Candidate<Item>[] {
  const steps: MemoryStep[] = [];
  return events.flatMap((event) => {
    if (event.type === "memory_step") steps.push(event);
    if (event.type !== "answer") return [];
    const { id, callId, question, retrieved } = event;
    const { gold } = question;
    const call = callId === undefined ? undefined : calls.get(callId);
    if (gold === undefined) return [{ skipped: "no gold answer" }];
    if (call === undefined) return [{ skipped: "no model decided" }];
    const known = { ...question, gold };
    const holders = evidenceHolders(retrieved, evidenceTurns(known, events), steps);
    const item = { question: known, retrieved, promptIds: encodeRecorded(policy, call), holders };
    return [promptCandidate(policy, id, item)];
  });
}
