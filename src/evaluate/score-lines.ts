import { mean } from "../mean.js";
import type { AnswerLine, JudgementLine } from "./evaluation-log.js";
import { type EvaluationScores, scoreAnswers, scoreReplies } from "./evaluation-scores.js";

type LineScores = Omit<EvaluationScores, "name" | "facts" | "conversations" | "bank" | "memoriesShown" | "cost">;

/** Scores answers with a judge's marks; null where no judge was asked. An answer without a mark was empty, and is wrong. */
export function scoreLines(
  answers: readonly AnswerLine[],
  marks: readonly JudgementLine[] | null,
  seed: number,
): LineScores {
  const correct = new Map(marks?.map((mark) => [placeOf(mark), mark.correct]));
  const answered = answers.map((line) => ({
    ...line,
    ...(marks === null ? {} : { correct: correct.get(placeOf(line)) ?? null }),
  }));
  return {
    ...scoreAnswers(answered, seed),
    ...scoreReplies(answers),
    tooLong: mean(answers.map(({ tooLong }) => Number(tooLong))),
    judgeUnparsable: marks === null ? null : marks.filter((mark) => mark.correct === null).length,
  };
}

const placeOf = ({ conversation, question }: { readonly conversation: string; readonly question: string }): string =>
  JSON.stringify([conversation, question]);
