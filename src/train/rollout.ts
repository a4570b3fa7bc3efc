import type { OperationEvent } from "../memory/bank/operation.js";
import type { RetrievalSetting } from "../trace/episode.js";
import type { ConversationMark } from "./tasks/conversations.js";

/** One sampled response, exact to the token. */
export interface Sample {
  readonly promptIds: readonly number[];
  readonly responseIds: readonly number[];
  /** Log-probability of each response token under the policy that sampled it, at temperature 1 whatever the sampling temperature. */
  readonly logprobs: readonly number[];
  readonly truncated: boolean;
  /** Only if operations are credited one by one, and there are several. */
  readonly credits?: readonly SpanCredit[];
}

/** The tokens of one operation, from the first to before the last, and what it earned beyond the mean of its response's operations. */
export interface SpanCredit {
  readonly from: number;
  readonly to: number;
  readonly credit: number;
}

/** What one attempt at an item did and earned: one call of the policy, or many where a whole dialogue is replayed. */
export interface Rollout {
  readonly samples: readonly Sample[];
  /** Quality of the answers, in [0, 1]. */
  readonly outcome: number;
  /** Share of the calls whose text could be parsed. */
  readonly format: number;
  readonly operations: Readonly<Partial<Record<OperationEvent, number>>>;
  /** Reward added for the mean credit of its operations; absent if they are not credited. */
  readonly credit?: number;
  /** Reward added for naming the memories that hold the evidence; absent if that is not rewarded. */
  readonly evidence?: number;
  /** Calls of either agent that were skipped because their prompt left no room for a response. Default 0. */
  readonly skippedCalls?: number;
}

/** Attempts at the same item by the same policy: their rewards are compared with each other. */
export interface RolloutGroup {
  readonly item: string;
  readonly rollouts: readonly Rollout[];
}

/** Something to learn: items, and how to attempt a batch of them. */
export interface Task {
  readonly name: string;
  /** Ids of all items, in a fixed order. */
  readonly items: readonly string[];
  /** Candidates in the episodes that made no item, counted by reason. */
  readonly skipped?: Readonly<Record<string, number>>;
  /** The conversations that the items are of. */
  readonly conversations?: readonly ConversationMark[];
  /**
   * How memories are chosen for its answers; `train` records it beside the adapter. Absent if the episodes differ in it,
   * or nothing is answered.
   */
  readonly retrieval?: RetrievalSetting;
  rollouts(items: readonly string[], options: RolloutOptions): Promise<RolloutGroup[]>;
}

export interface RolloutOptions {
  /** Attempts per item: GRPO's G. */
  readonly groupSize: number;
  readonly temperature: number;
  readonly seed: number;
}
