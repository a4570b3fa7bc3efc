import { mean } from "../mean.js";
import type { OperationEvent } from "../memory/bank/operation.js";
import { countAllOperations } from "../memory/bank/operation-counts.js";
import { type RewardName, rewards } from "../reward/rewards.js";
import type { PlayedAnswer, PlayedDialogue } from "./play.js";

/** The metrics that tables show, by their names in `rewards`. */
type MetricName = Extract<RewardName, "exact-match" | "f1" | "mem0-f1" | "bleu1">;

export interface CategoryScores {
  readonly questions: number;
  /** Means over the questions, in [0, 1]. */
  readonly metrics: Readonly<Record<MetricName, number>>;
}

/** What one configuration of agents reached. Questions without a gold answer are left out of metrics. */
export interface Scores extends CategoryScores {
  readonly name: string;
  readonly dialogues: number;
  readonly turns: number;
  /** By the questions' category, in alphabetical order; "other" where a question has none. */
  readonly categories: Readonly<Record<string, CategoryScores>>;
  /** How often the manager chose each operation. */
  readonly operations: Readonly<Record<OperationEvent, number>>;
  /** Memories in the bank after the last turn, mean over the dialogues. */
  readonly bankSize: number;
  /** Share of the manager's replies that could not be read; null where no model decided. */
  readonly managerUnparsable: number | null;
  readonly answererUnparsable: number;
  /** Mean share of a question's evidence among the retrieved memories; null where no evidence is known. */
  readonly evidenceRecall: number | null;
}

/** Scores what one configuration played. */
export function scorePlayed(name: string, played: readonly PlayedDialogue[]): Scores {
  const steps = played.flatMap((dialogue) => dialogue.steps);
  const answers = played.flatMap((dialogue) => dialogue.answers);
  const recalls = answers.flatMap(({ evidenceRecall }) => evidenceRecall ?? []);
  const decided = steps.filter(({ callId }) => callId !== undefined);
  return {
    name,
    dialogues: played.length,
    turns: steps.length,
    ...scoreAnswers(answers),
    categories: scoreCategories(answers),
    operations: countAllOperations(steps.flatMap((step) => step.operations)),
    bankSize: mean(played.map(({ bankSize }) => bankSize)),
    managerUnparsable: decided.length === 0 ? null : mean(decided.map(({ unparsable }) => Number(unparsable !== null))),
    answererUnparsable: mean(answers.map(({ unparsable }) => Number(unparsable !== null))),
    evidenceRecall: recalls.length === 0 ? null : mean(recalls),
  };
}

function scoreAnswers(answers: readonly PlayedAnswer[]): CategoryScores {
  const rated = answers.flatMap(({ question: { gold, category }, answer }) =>
    gold === undefined ? [] : [{ answer, gold, category }],
  );
  const metric = (name: MetricName): number =>
    mean(rated.map(({ answer, gold, category }) => rewards[name](answer, gold, category)));
  return {
    questions: rated.length,
    metrics: {
      "exact-match": metric("exact-match"),
      f1: metric("f1"),
      "mem0-f1": metric("mem0-f1"),
      bleu1: metric("bleu1"),
    },
  };
}

function scoreCategories(answers: readonly PlayedAnswer[]): Scores["categories"] {
  const groups = new Map<string, PlayedAnswer[]>();
  for (const answer of answers) {
    const category = answer.question.category ?? "other";
    groups.set(category, [...(groups.get(category) ?? []), answer]);
  }
  const names = [...groups.keys()].sort();
  return Object.fromEntries(names.map((category) => [category, scoreAnswers(groups.get(category)!)]));
}
