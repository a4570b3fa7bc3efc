import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { EvaluationLog } from "./evaluation-log.js";
import { costOf, type EvaluationScores } from "./evaluation-scores.js";
import { judgeAnswers } from "./judge.js";
import type { Predictions } from "./predictions.js";
import type { PlayProgress } from "./progress.js";
import { scoreLines } from "./score-lines.js";

export interface ScorePredictionsOptions {
  /** Of the intervals. */
  readonly seed: number;
  readonly judge?: BaseChatModel;
  readonly log: EvaluationLog;
  /** Answers that the judge marks at once. */
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (label: string, progress: PlayProgress) => void;
}

/** Scores answers that any tool gave, row by row. */
export async function scorePredictions(
  predictions: Predictions,
  { seed, judge, log, concurrency, signal, onProgress }: ScorePredictionsOptions,
): Promise<EvaluationScores[]> {
  const all: EvaluationScores[] = [];
  for (const [name, answers] of predictions) {
    const marks =
      judge === undefined
        ? null
        : await judgeAnswers(answers, judge, {
            log,
            concurrency,
            ...(signal === undefined ? {} : { signal }),
            onProgress: (progress) => onProgress?.(`${name}, judged`, progress),
          });
    all.push({
      name,
      facts: null,
      conversations: new Set(answers.map(({ conversation }) => conversation)).size,
      ...scoreLines(answers, marks, seed),
      bank: null,
      memoriesShown: null,
      cost: costOf({
        manager: [],
        answerer: answers.map(({ usage }) => usage),
        judge: marks?.map(({ usage }) => usage) ?? [],
      }),
    });
  }
  return all;
}
