import { type EvaluationScores, meanOrNull, scoreAnswers, scoreBanks, scoreReplies } from "./evaluation-scores.js";
import type { PlayedDialogue } from "./play.js";

/** Scores what one configuration of agents played. Questions without a gold answer are left out of metrics; `seed` is of the intervals. */
export function scorePlayed(name: string, played: readonly PlayedDialogue[], seed = 0): EvaluationScores {
  const answers = played.flatMap((dialogue) => dialogue.answers);
  const answered = played.flatMap(({ dialogue, answers }) =>
    answers.flatMap(({ question: { gold, category }, answer }) =>
      gold === undefined ? [] : [{ conversation: dialogue.id, category, gold, prediction: answer }],
    ),
  );
  return {
    name,
    facts: null,
    conversations: played.length,
    ...scoreAnswers(answered, seed),
    bank: scoreBanks(
      played.map(({ steps, bankSize }) => ({
        bankSize,
        steps: steps
          .filter(({ facts }) => facts.length > 0)
          .map((step) => ({ ...step, decided: step.callId !== undefined, tooLong: false })),
      })),
    ),
    ...scoreReplies(answers),
    tooLong: 0,
    memoriesShown: meanOrNull(answers.map(({ retrieved }) => retrieved.length)),
    judgeUnparsable: null,
    cost: null,
  };
}
