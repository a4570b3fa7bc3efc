import { mean } from "../../mean.js";
import { buildAnswerPrompt, readAnswer } from "../../memory/answer.js";
import type { MemoryBank } from "../../memory/bank/bank.js";
import { retrieveForAnswer } from "../../memory/bank/retrieve.js";
import { type RewardName, rewards } from "../../reward/rewards.js";
import type { Question } from "../../trace/episode.js";
import { encodeMessages, fits, type RolloutContext, responseText, sample } from "../rollout-context.js";

/** A question with its gold answer, to be asked of a bank. */
export interface Inquiry {
  readonly bank: MemoryBank;
  /** Whose memories the answerer sees, in this order: that of the recorded conversation, whatever the bank holds. */
  readonly speakers: readonly string[];
  readonly question: Question & { readonly gold: string };
}

/** A score in [0, 1]; null where the memories are too many for the model's context, so that the question could not be asked. */
export type InquiryScore = number | null;

/**
 * The frozen Answer Agent's greedy answers, scored. Equal prompts are answered once.
 * @param texts replies by prompt, which are not asked for again; new ones are added.
 */
export async function scoreInquiries(
  policy: RolloutContext,
  answerer: string | undefined,
  inquiries: readonly Inquiry[],
  reward: RewardName,
  texts: Map<string, string> = new Map(),
): Promise<InquiryScore[]> {
  const asked = await Promise.all(
    inquiries.map(async ({ bank, speakers, question }) => {
      const retrieved = await retrieveForAnswer(bank, question.text, speakers, policy);
      const messages = buildAnswerPrompt(policy.prompts, { question: question.text, retrieved });
      return { retrieved, promptIds: encodeMessages(policy, messages) };
    }),
  );
  const askable = asked.filter(({ promptIds }) => fits(policy, promptIds));
  const open = askable.filter(({ promptIds }) => !texts.has(promptIds.join(" ")));
  const unique = new Map(open.map(({ promptIds }) => [promptIds.join(" "), promptIds]));
  const prompts = [...unique.values()];
  const greedy = { count: 1, temperature: 0, seeds: prompts.map(() => 0) };
  const generations = prompts.length === 0 ? [] : await sample(policy, answerer, prompts, greedy);
  for (const [i, key] of [...unique.keys()].entries()) texts.set(key, responseText(policy, generations[i]![0]!));
  return asked.map(({ retrieved, promptIds }, i) => {
    const text = texts.get(promptIds.join(" "));
    if (text === undefined) return null;
    const { answer } = readAnswer(text, retrieved);
    const { gold, category } = inquiries[i]!.question;
    return rewards[reward](answer, gold, category);
  });
}

/** What a rollout earned by its questions: their mean score, where one that could not be asked was not answered either. */
export function outcomeOf(scores: readonly InquiryScore[]): {
  readonly outcome: number;
  readonly skippedCalls: number;
} {
  return {
    outcome: mean(scores.map((score) => score ?? 0)),
    skippedCalls: scores.filter((score) => score === null).length,
  };
}
