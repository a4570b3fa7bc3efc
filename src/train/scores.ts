import type { PolicyEngine, ScoreGroup } from "../model/engine/engine.js";
import { truncatedImportance } from "./algorithm/importance.js";
import type { PolicyOptions } from "./algorithm/policy-options.js";
import type { Attempted, Experience } from "./experience.js";
import type { Sample } from "./rollout.js";

/** Names of the adapters that learn. */
export interface Learners {
  readonly policy: string;
  /** PPO's. */
  readonly critic?: string | undefined;
}

/** What the networks say of one response before the step; per token. */
export interface Scores {
  /** Log-probabilities that ratios are taken to. */
  readonly old: readonly number[];
  readonly reference: readonly number[];
  /** Weights of truncated importance sampling, where it is used. */
  readonly importance: readonly number[] | undefined;
  /** The critic's, where there is one. */
  readonly values: readonly number[] | undefined;
}

/** Scores every response by the base model, and where the options ask for it by policy and critic. */
export async function scoreSamples(
  engine: PolicyEngine,
  { policy, critic }: Learners,
  experiences: readonly Experience[],
  { importanceCap }: PolicyOptions,
): Promise<ReadonlyMap<Sample, Scores>> {
  const prompts = experiences.flatMap((experience) => experience.prompts);
  const groups = prompts.map(scoreGroup);
  // Without a weight the KL teaches nothing, and is still shown.
  const reference = await engine.logprobs(groups);
  const current = importanceCap === null ? undefined : await engine.logprobs(groups, policy);
  const values = critic === undefined ? undefined : await engine.values(groups, critic);
  const scores = new Map<Sample, Scores>();
  for (const [g, attempted] of prompts.entries()) {
    for (const [r, { sample }] of attempted.entries()) {
      const scored = current?.[g]?.logprobs[r];
      scores.set(sample, {
        old: scored ?? sample.logprobs,
        reference: reference[g]!.logprobs[r]!,
        importance:
          scored === undefined || importanceCap === null
            ? undefined
            : truncatedImportance(scored, sample.logprobs, importanceCap),
        values: values?.[g]?.[r],
      });
    }
  }
  return scores;
}

function scoreGroup(attempted: readonly Attempted[]): ScoreGroup {
  return { promptIds: attempted[0]!.sample.promptIds, responses: attempted.map(({ sample }) => sample.responseIds) };
}
