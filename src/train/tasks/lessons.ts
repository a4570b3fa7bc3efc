import { mean } from "../../mean.js";
import { advantageUnit, groupAdvantages } from "../algorithm/advantage.js";
import { generalizedAdvantages, whiten } from "../algorithm/gae.js";
import { klEstimate } from "../algorithm/kl.js";
import type { CriticOptions, PolicyOptions } from "../algorithm/policy-options.js";
import { tokenRewards } from "../algorithm/token-rewards.js";
import type { Experience } from "../experience.js";
import type { Rollout, Sample } from "../rollout.js";
import type { Scores } from "../scores.js";

/** One response with what is to be learned from it, per token. */
export interface Lesson {
  readonly sample: Sample;
  readonly rollout: Rollout;
  readonly scores: Scores;
  readonly advantages: readonly number[];
  /** Of a critic; none without one. */
  readonly returns: readonly number[];
}

/** The lessons of one item, those of one prompt together. */
export interface ItemLessons {
  readonly rollouts: readonly Rollout[];
  readonly prompts: readonly (readonly Lesson[])[];
}

type ScoreMap = ReadonlyMap<Sample, Scores>;

/**
 * Each response has its attempt's advantage over the others of its group, at all tokens; where operations are credited one by one, those of an
 * operation have more or less by what it earned beyond the mean of its response's, in the unit of the group's spread. Items whose attempts all
 * earned the same are left out.
 */
export function groupLessons(
  experiences: readonly Experience[],
  scores: ScoreMap,
  options: PolicyOptions,
): ItemLessons[] {
  return experiences.flatMap(({ attempts, rewards, prompts }) => {
    const earned = rewards.map((reward, i) => reward - klPenalty(attempts[i]!, scores, options));
    const advantages = groupAdvantages(earned, options.advantage);
    if (advantages.every((advantage) => advantage === 0)) return [];
    const unit = advantageUnit(operationEarnings(attempts, earned), options.advantage);
    const lesson = (sample: Sample, attempt: number): Lesson => {
      const own = scores.get(sample)!;
      const credits = tokenCredits(sample);
      const weigh = (_: number, t: number) =>
        (advantages[attempt]! + (credits[t] ?? 0) / unit) * (own.importance?.[t] ?? 1);
      const rollout = attempts[attempt]!;
      return { sample, rollout, scores: own, advantages: sample.responseIds.map(weigh), returns: [] };
    };
    return [
      {
        rollouts: attempts,
        prompts: prompts.map((rows) => rows.map(({ sample, attempt }) => lesson(sample, attempt))),
      },
    ];
  });
}

/** What each operation that is credited by itself earned, and each response that has none such. */
function operationEarnings(attempts: readonly Rollout[], earned: readonly number[]): number[] {
  return attempts.flatMap(({ samples }, i) => {
    const credits = samples.flatMap((sample) => sample.credits ?? []);
    return credits.length === 0 ? [earned[i]!] : credits.map(({ credit }) => earned[i]! + credit);
  });
}

/** Per token, the credit of the operation that it is part of; none where operations are not credited one by one. */
function tokenCredits({ credits = [], responseIds }: Sample): number[] {
  return credits.length === 0
    ? []
    : responseIds.map((_, t) => credits.find(({ from, to }) => from <= t && t < to)?.credit ?? 0);
}

/** What the KL takes from an attempt's reward: β times the sum over a call's tokens, the mean over its calls. */
function klPenalty(
  { samples }: Rollout,
  scores: ScoreMap,
  { klPlace, klCoefficient, klEstimator }: PolicyOptions,
): number {
  if (klPlace === "loss" || klCoefficient === 0) return 0;
  const estimate = klEstimate[klEstimator];
  const sums = samples.map((sample) => {
    const { old, reference } = scores.get(sample)!;
    return old.reduce((sum, logprob, t) => sum + estimate(logprob, reference[t]!), 0);
  });
  return klCoefficient * mean(sums);
}

/** Each response is an episode: its attempt's reward at the last token, credits where operations end, a KL at each, and advantages by GAE. */
export function tokenLessons(
  experiences: readonly Experience[],
  scores: ScoreMap,
  options: PolicyOptions,
  { gamma, lambda, whitening }: CriticOptions,
): ItemLessons[] {
  const { klPlace, klEstimator } = options;
  const klCoefficient = klPlace === "reward" ? options.klCoefficient : 0;
  const items = experiences.map(({ attempts, rewards, prompts }) => ({
    rollouts: attempts,
    prompts: prompts.map((rows) =>
      rows.map(({ sample, attempt }): Lesson => {
        const own = scores.get(sample)!;
        const reward = { outcome: rewards[attempt]!, klCoefficient, klEstimator };
        const perToken = tokenRewards(own.old, own.reference, reward);
        // An operation earns its credit where it ends.
        for (const { to, credit } of sample.credits ?? []) perToken[to - 1]! += credit;
        const estimates = generalizedAdvantages(perToken, own.values!, { gamma, lambda });
        return { sample, rollout: attempts[attempt]!, scores: own, ...estimates };
      }),
    ),
  }));
  const all = items.flatMap(({ prompts }) => prompts.flat()).map(({ advantages }) => advantages);
  const final = whitening ? whiten(all) : all;
  let next = 0;
  return items.map(({ rollouts, prompts }) => ({
    rollouts,
    prompts: prompts.map((rows) =>
      rows.map((lesson) => {
        const weigh = (value: number, t: number) => value * (lesson.scores.importance?.[t] ?? 1);
        return { ...lesson, advantages: final[next++]!.map(weigh) };
      }),
    ),
  }));
}
