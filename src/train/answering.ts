import { buildAnswerPrompt, readAnswer } from "../memory/answer.js";
import type { MemoryBank } from "../memory/bank.js";
import { retrieveForAnswer } from "../memory/retrieve.js";
import { type RewardName, rewards } from "../reward/rewards.js";
import type { Question } from "../trace/episode.js";
import { encodeMessages, type Policy, responseText, sample } from "./policy.js";

/** A question with its gold answer, to be asked of a bank. */
export interface Inquiry {
  readonly bank: MemoryBank;
  /** Whose memories the answerer sees, in this order: that of the recorded conversation, whatever the bank holds. */
  readonly speakers: readonly string[];
  readonly question: Question & { readonly gold: string };
}

/** The frozen Answer Agent's greedy answers, scored in [0, 1]. Equal prompts are answered once. */
export async function scoreInquiries(
  policy: Policy,
  answerer: string | undefined,
  inquiries: readonly Inquiry[],
  reward: RewardName,
): Promise<number[]> {
  const asked = await Promise.all(
    inquiries.map(async ({ bank, speakers, question }) => {
      const retrieved = await retrieveForAnswer(bank, question.text, speakers, policy);
      const messages = buildAnswerPrompt(policy.prompts, { question: question.text, retrieved });
      return { retrieved, promptIds: encodeMessages(policy, messages) };
    }),
  );
  const unique = new Map(asked.map(({ promptIds }) => [promptIds.join(" "), promptIds]));
  const prompts = [...unique.values()];
  const greedy = { count: 1, temperature: 0, seeds: prompts.map(() => 0) };
  const generations = await sample(policy, answerer, prompts, greedy);
  const texts = new Map([...unique.keys()].map((key, i) => [key, responseText(policy, generations[i]![0]!)]));
  return asked.map(({ retrieved, promptIds }, i) => {
    const { answer } = readAnswer(texts.get(promptIds.join(" "))!, retrieved);
    const { gold, category } = inquiries[i]!.question;
    return rewards[reward](answer, gold, category);
  });
}
