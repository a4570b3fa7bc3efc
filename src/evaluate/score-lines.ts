import { mean } from "../mean.js";
import type { AnswerLine, JudgementLine } from "./evaluation-log.js";
import { type EvaluationScores, meanOrNull, scoreAnswers } from "./evaluation-scores.js";

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
    answererUnparsable: mean(answers.map(({ unparsable }) => Number(unparsable !== null))),
    tooLong: mean(answers.map(({ tooLong }) => Number(tooLong))),
    evidenceRecall: meanOrNull(answers.flatMap(({ evidenceRecall }) => evidenceRecall ?? [])),
    evidenceSelected: meanOrNull(answers.flatMap(({ evidenceSelected }) => evidenceSelected ?? [])),
    judgeUnparsable: marks === null ? null : marks.filter((mark) => mark.correct === null).length,
  };
}

const placeOf = ({ conversation, question }: { readonly conversation: string; readonly question: string }): string =>
  JSON.stringify([conversation, question]);
