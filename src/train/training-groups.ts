import type { PolicyGroup, TrainingGroup, ValueGroup } from "../model/engine/engine.js";
import { tokenWeights } from "./algorithm/aggregation.js";
import { counts } from "./algorithm/overlong.js";
import type { PolicyOptions } from "./algorithm/policy-options.js";
import type { Rollout } from "./rollout.js";
import type { ItemLessons, Lesson } from "./tasks/lessons.js";

/** Items of one optimizer step as the engine takes them. The loss is aggregated over these items, whatever else the step has. */
export function trainingGroups(
  items: readonly ItemLessons[],
  options: PolicyOptions,
): { readonly policy: PolicyGroup[]; readonly value: ValueGroup[] } {
  const weights = rolloutWeights(items, options);
  const prompts = items.flatMap((item) => item.prompts);
  const common = prompts.map(
    (lessons): TrainingGroup => ({
      promptIds: lessons[0]!.sample.promptIds,
      responses: lessons.map(({ sample }) => sample.responseIds),
      weights: lessons.map(({ sample, rollout }) => {
        const weight = counts(sample, options.overlong) ? weights.get(rollout)! : 0;
        return sample.responseIds.map(() => weight);
      }),
    }),
  );
  const perToken = (g: number, of: (lesson: Lesson) => readonly number[]) => prompts[g]!.map(of);
  return {
    policy: common.map((group, g) => ({
      ...group,
      advantages: perToken(g, ({ advantages }) => advantages),
      oldLogprobs: perToken(g, ({ scores }) => scores.old),
      referenceLogprobs: perToken(g, ({ scores }) => scores.reference),
    })),
    value: common.map((group, g) => ({
      ...group,
      returns: perToken(g, ({ returns }) => returns),
      oldValues: perToken(g, ({ scores }) => scores.values ?? []),
    })),
  };
}

/** A rollout's share of each of its tokens: however many calls it made, it is one response to the aggregation. */
function rolloutWeights(items: readonly ItemLessons[], options: PolicyOptions): Map<Rollout, number> {
  const rollouts = items.flatMap((item) => item.rollouts);
  const kept = rollouts.map(({ samples }) => samples.filter((sample) => counts(sample, options.overlong)));
  const lengths = kept.map((samples) => samples.reduce((sum, { responseIds }) => sum + responseIds.length, 0));
  const calls = kept.map((samples) => Math.max(samples.length, 1));
  const rows = tokenWeights(lengths, options.aggregation, { ...options, calls });
  return new Map(rollouts.map((rollout, i) => [rollout, rows[i]![0] ?? 0]));
}
