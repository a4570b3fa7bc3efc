import { bleu1 } from "./bleu.js";
import { exactMatch, strictExactMatch } from "./exact-match.js";
import { locomoF1, mem0F1 } from "./f1.js";

/** Compares a prediction with the gold answer, in [0, 1]. `category` is that of the question, where a rule needs it. */
export type RewardFunction = (prediction: string, gold: string, category?: string) => number;

/** Outcome rewards and metrics by the names that files and options use. */
export const rewards = {
  "exact-match": exactMatch,
  f1: locomoF1,
  "mem0-f1": mem0F1,
  bleu1,
  "strict-exact-match": strictExactMatch,
} as const satisfies Record<string, RewardFunction>;

export type RewardName = keyof typeof rewards;

export const rewardNames = Object.keys(rewards) as RewardName[];
