import { UsageError } from "../errors.js";
import { mean } from "../mean.js";
import type { PolicyEngine, PolicyGroup, ValueGroup } from "../model/engine/engine.js";
import { Random } from "../random.js";
import type { PolicyOptions } from "./algorithm/policy-options.js";
import { varies } from "./algorithm/reward.js";
import { experienceOf } from "./experience.js";
import type { RolloutGroup } from "./rollout.js";
import { type StepMetrics, summarise } from "./run/metrics.js";
import { policyMetrics, valueMetrics } from "./run/policy-metrics.js";
import { type Learners, scoreSamples } from "./scores.js";
import { streamSeed } from "./seeds.js";
import { groupLessons, type ItemLessons, tokenLessons } from "./tasks/lessons.js";
import { trainingGroups } from "./training-groups.js";

export interface StepExtras {
  /** Name of the critic; required if the options have one. */
  readonly critic?: string;
  /** Seed of the order in which minibatches are cut. */
  readonly seed?: number;
}

/**
 * Learns from the rollouts of one step: rewards, scores, advantages, and then passes of optimizer steps, by the algorithm
 * that the options define.
 */
export async function policyStep(
  engine: PolicyEngine,
  adapter: string,
  groups: readonly RolloutGroup[],
  options: PolicyOptions,
  { critic, seed = 0 }: StepExtras = {},
): Promise<StepMetrics> {
  const learners = { policy: adapter, critic: criticName(options, critic) };
  // Where the KL is part of the reward, or a critic knows better than the group, equal outcomes still teach something.
  const every = options.critic !== null || (options.klPlace === "reward" && options.klCoefficient > 0);
  const usable = groups.filter(
    (group) => group.rollouts.some(({ samples }) => samples.length > 0) && (every || varies(group, options)),
  );
  const experiences = usable.map((group) => experienceOf(group, options));
  const scores = experiences.length === 0 ? new Map() : await scoreSamples(engine, learners, experiences, options);
  const items =
    options.critic === null
      ? groupLessons(experiences, scores, options)
      : tokenLessons(experiences, scores, options, options.critic);
  const base = summarise(groups, options, groups.length - items.length);
  if (items.length === 0) return base;
  let passed = await pass(engine, learners, batches(items, options, seed, 0), options);
  for (let epoch = 1; epoch < options.epochs; epoch++) {
    passed = await pass(engine, learners, batches(items, options, seed, epoch), options);
  }
  return { ...base, ...passed, ...sampleMetrics(items, options) };
}

function criticName(options: PolicyOptions, name: string | undefined): string | undefined {
  if (options.critic === null) return undefined;
  if (name !== undefined) return name;
  throw new UsageError({
    what: "this algorithm has a critic, and none was named",
    expected: "the name of one that the engine's createCritic made",
    remedy: "pass it with the step, or use the trainer, which makes one",
  });
}

/** The items of each optimizer step of one pass. */
function batches(items: readonly ItemLessons[], { minibatches }: PolicyOptions, seed: number, epoch: number) {
  const count = Math.min(minibatches, items.length);
  if (count === 1) return [items];
  const order = new Random(streamSeed(seed, "minibatches", epoch)).shuffle(items);
  const cut = (i: number) => Math.round((i * order.length) / count);
  return Array.from({ length: count }, (_, i) => order.slice(cut(i), cut(i + 1)));
}

/** One pass over all items, with an optimizer step for each part of them. */
async function pass(
  engine: PolicyEngine,
  learners: Learners,
  parts: readonly (readonly ItemLessons[])[],
  options: PolicyOptions,
): Promise<Partial<StepMetrics>> {
  const { clipLow, clipHigh, klPlace, ratio, klEstimator, optimizer } = options;
  const klCoefficient = klPlace === "loss" ? options.klCoefficient : 0;
  const settings = { clipLow, clipHigh, klCoefficient, form: { ratio, kl: klEstimator }, optimizer };
  const learned = { losses: [] as number[], norms: [] as number[], logprobs: [] as number[][][] };
  const judged = { losses: [] as number[], norms: [] as number[], values: [] as number[][][] };
  const seen = { policy: [] as PolicyGroup[], value: [] as ValueGroup[] };
  for (const part of parts) {
    const groups = trainingGroups(part, options);
    const result = await engine.update(learners.policy, { objective: "policy", groups: groups.policy, ...settings });
    learned.losses.push(result.loss);
    learned.norms.push(result.gradientNorm);
    learned.logprobs.push(...result.logprobs);
    seen.policy.push(...groups.policy);
    if (options.critic === null || learners.critic === undefined) continue;
    const value = await engine.update(learners.critic, {
      objective: "value",
      groups: groups.value,
      valueClip: options.critic.valueClip,
      optimizer: options.critic.optimizer,
    });
    judged.losses.push(value.loss);
    judged.norms.push(value.gradientNorm);
    judged.values.push(...(value.values ?? []));
    seen.value.push(...groups.value);
  }
  const policy = {
    ...policyMetrics(seen.policy, learned.logprobs, options),
    loss: mean(learned.losses),
    gradientNorm: mean(learned.norms),
  };
  if (options.critic === null) return policy;
  return {
    ...policy,
    ...valueMetrics(seen.value, judged.values, options.critic.valueClip),
    valueLoss: mean(judged.losses),
    criticGradientNorm: mean(judged.norms),
  };
}

/** What some algorithms show of the rollouts' tokens. */
function sampleMetrics(items: readonly ItemLessons[], options: PolicyOptions): Partial<StepMetrics> {
  const lessons = items.flatMap(({ prompts }) => prompts.flat());
  const weights = lessons.flatMap(({ scores }) => scores.importance ?? []);
  const sequenceKl = lessons.map(({ scores }) =>
    scores.old.reduce((sum, logprob, t) => sum + logprob - scores.reference[t]!, 0),
  );
  return {
    ...(options.importanceCap === null ? {} : { importanceWeight: mean(weights) }),
    ...(options.klPlace === "reward" || options.klTarget !== null
      ? { sequenceKl: mean(sequenceKl), klCoefficient: options.klCoefficient }
      : {}),
  };
}
