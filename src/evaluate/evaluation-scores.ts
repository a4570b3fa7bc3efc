import { mean } from "../mean.js";
import type { Operation, OperationEvent } from "../memory/bank/operation.js";
import { countAllOperations } from "../memory/bank/operation-counts.js";
import { type RewardName, rewards } from "../reward/rewards.js";
import { bootstrapIntervals, type Interval } from "./bootstrap.js";
import type { FactSource } from "./fact-source.js";
import { addUsage, type Usage } from "./usage.js";

/** By their names in `rewards`: both F1s, BLEU-1, exact match without regard to articles and punctuation, and mem0's, which minds them. */
const evaluationMetrics = [
  "f1",
  "mem0-f1",
  "bleu1",
  "exact-match",
  "strict-exact-match",
] as const satisfies readonly RewardName[];

type ComputedMetric = (typeof evaluationMetrics)[number];
export type EvaluationMetric = ComputedMetric | "judge";

/** One answered question. */
export interface Answered {
  readonly conversation: string;
  readonly category?: string | undefined;
  readonly gold: string;
  readonly prediction: string;
  /** Of a judge; null where its reply could not be read, absent where none was asked. */
  readonly correct?: boolean | null;
}

/** Intervals of 95 %, by percentile bootstrap. */
export interface MetricIntervals {
  /** Over questions drawn one by one. */
  readonly questions: Interval;
  /** Over conversations drawn as a whole; null where there is only one. */
  readonly conversations: Interval | null;
}

export interface AnswerScores {
  readonly questions: number;
  /** Means over the questions, in [0, 1]; "judge" is there only where a judge marked. */
  readonly metrics: Readonly<Record<ComputedMetric, number> & Partial<Record<"judge", number>>>;
  readonly intervals: Readonly<Partial<Record<EvaluationMetric, MetricIntervals>>>;
}

/** What managing memory did on the way; absent of rows that have no bank. */
export interface BankScores {
  readonly operations: Readonly<Record<OperationEvent, number>>;
  /** Memories after the last turn, mean over the conversations. */
  readonly bankSize: number;
  /** Turns with facts, and the share of the manager's replies to them that could not be read; null where no model decided. */
  readonly decisions: number;
  readonly managerUnparsable: number | null;
  /** Decisions that were not made: the prompt left no room for a reply. */
  readonly managerTooLong: number;
}

/** One line of an evaluation's table. */
export interface EvaluationScores extends AnswerScores {
  readonly name: string;
  /** Where a bank's facts came from: "model" or the data's own. Null of a row that reads raw turns, or is not known. */
  readonly facts: FactSource | null;
  readonly conversations: number;
  /** By the questions' category, in alphabetical order; "other" where a question has none. */
  readonly categories: Readonly<Record<string, AnswerScores>>;
  /** Null of a row that has no bank. */
  readonly bank: BankScores | null;
  /** Shares of the questions. */
  readonly answererUnparsable: number;
  readonly tooLong: number;
  /** Mean share of a question's evidence among what the answerer was shown; null where none is known. */
  readonly evidenceRecall: number | null;
  /** The same among what the answerer named as used; null of rows that do not ask for it too. */
  readonly evidenceSelected: number | null;
  /** Mean number of memories, or turns, that it was shown. */
  readonly memoriesShown: number | null;
  /** Replies of the judge that could not be read: they count as wrong. Null without a judge. */
  readonly judgeUnparsable: number | null;
  /** Null where calls were not counted. */
  readonly cost: RowCost | null;
}

export interface RowCost {
  readonly manager: Usage;
  readonly answerer: Usage;
  readonly judge: Usage;
}

/** Means and intervals of answers, whole and by category. */
export function scoreAnswers(
  answers: readonly Answered[],
  seed: number,
): Pick<EvaluationScores, "questions" | "metrics" | "intervals" | "categories"> {
  const groups = new Map<string, Answered[]>();
  for (const answer of answers) {
    const category = answer.category ?? "other";
    const group = groups.get(category);
    if (group === undefined) groups.set(category, [answer]);
    else group.push(answer);
  }
  const names = [...groups.keys()].sort();
  return {
    ...score(answers, seed),
    categories: Object.fromEntries(names.map((name) => [name, score(groups.get(name)!, seed)])),
  };
}

function score(answers: readonly Answered[], seed: number): AnswerScores {
  const judged = answers.some(({ correct }) => correct !== undefined);
  const names: EvaluationMetric[] = [...evaluationMetrics, ...(judged ? (["judge"] as const) : [])];
  const rows = answers.map(({ prediction, gold, category, correct }) =>
    names.map((name) => (name === "judge" ? Number(correct === true) : rewards[name](prediction, gold, category))),
  );
  const byQuestion = bootstrapIntervals(rows, { seed });
  const byConversation = bootstrapIntervals(
    rows,
    { seed },
    answers.map(({ conversation }) => conversation),
  );
  return {
    questions: answers.length,
    metrics: Object.fromEntries(
      names.map((name, m) => [name, mean(rows.map((row) => row[m]!))]),
    ) as AnswerScores["metrics"],
    intervals: Object.fromEntries(
      byQuestion === null
        ? []
        : names.map((name, m) => [name, { questions: byQuestion[m]!, conversations: byConversation?.[m] ?? null }]),
    ),
  };
}

/** How answers were come by: shares of the questions. */
export function scoreReplies(
  replies: readonly {
    readonly unparsable: string | null;
    readonly evidenceRecall: number | null;
    readonly evidenceSelected: number | null;
  }[],
): Pick<EvaluationScores, "answererUnparsable" | "evidenceRecall" | "evidenceSelected"> {
  return {
    answererUnparsable: mean(replies.map(({ unparsable }) => Number(unparsable !== null))),
    evidenceRecall: meanOrNull(replies.flatMap(({ evidenceRecall }) => evidenceRecall ?? [])),
    evidenceSelected: meanOrNull(replies.flatMap(({ evidenceSelected }) => evidenceSelected ?? [])),
  };
}

/** Sums up what managers did. `banks` has the steps and the final size of each conversation's bank. */
export function scoreBanks(
  banks: readonly {
    readonly bankSize: number;
    readonly steps: readonly {
      readonly operations: readonly Operation[];
      readonly unparsable: string | null;
      readonly tooLong: boolean;
      readonly decided: boolean;
    }[];
  }[],
): BankScores {
  const steps = banks.flatMap((bank) => bank.steps);
  const replies = steps.filter(({ decided, tooLong }) => decided && !tooLong);
  return {
    operations: countAllOperations(steps.flatMap(({ operations }) => operations)),
    bankSize: mean(banks.map(({ bankSize }) => bankSize)),
    decisions: steps.length,
    managerUnparsable: replies.length === 0 ? null : mean(replies.map(({ unparsable }) => Number(unparsable !== null))),
    managerTooLong: steps.filter(({ tooLong }) => tooLong).length,
  };
}

/** What both agents, and the judge, of one row cost. */
export function costOf(parts: Readonly<Record<keyof RowCost, readonly Usage[]>>): RowCost {
  return { manager: addUsage(parts.manager), answerer: addUsage(parts.answerer), judge: addUsage(parts.judge) };
}

export const meanOrNull = (values: readonly number[]): number | null => (values.length === 0 ? null : mean(values));
