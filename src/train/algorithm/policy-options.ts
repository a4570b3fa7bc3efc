import { z } from "zod";
import { klEstimators, ratioLevels } from "../../model/graph/policy-form.js";
import { advantageKinds } from "./advantage.js";
import { aggregations } from "./aggregation.js";

const share = z.number().min(0).max(1);
const nonNegative = z.number().nonnegative();
const positive = z.number().positive();

/** Fields of `AdamWOptions`. */
const optimizerSchema = z.object({
  learningRate: nonNegative,
  beta1: share.exactOptional(),
  beta2: share.exactOptional(),
  epsilon: positive.exactOptional(),
  weightDecay: nonNegative.exactOptional(),
  maxGradientNorm: positive.exactOptional(),
});

const criticSchema = z.object({
  /** Discount of later tokens' rewards. */
  gamma: share,
  /** Of GAE: 1 trusts the rewards to go, 0 the critic. */
  lambda: share,
  /** How far a value may move from the rollout's value before its loss stops decreasing. */
  valueClip: positive,
  /** Advantages to mean 0 and variance 1 over the tokens of a step. */
  whitening: z.boolean(),
  optimizer: optimizerSchema,
});

/** What happens to responses that reach the length limit. */
const overlongSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("keep") }),
  /** They get no weight in the loss, because how they would have ended is unknown. */
  z.object({ kind: z.literal("filter") }),
  /** Reward falls from 0 to −1 over this last share of the longest response. */
  z.object({ kind: z.literal("punish"), share: z.number().gt(0).max(1) }),
]);

/** How a policy learns from rollouts. Each algorithm in ./presets is a set of these options. */
export const policyOptionsSchema = z
  .object({
    /** Advantages of the rewards within a group; unused with a critic. */
    advantage: z.enum(advantageKinds),
    aggregation: z.enum(aggregations),
    /** Level of the probability ratio. */
    ratio: z.enum(ratioLevels),
    /** The ratio is clipped to 1 − clipLow … 1 + clipHigh. Infinity turns the upper clip off. */
    clipLow: nonNegative,
    clipHigh: z.union([nonNegative, z.literal(Number.POSITIVE_INFINITY)]),
    /** Weight of the KL to the base model. */
    klCoefficient: nonNegative,
    klEstimator: z.enum(klEstimators),
    /** Whether the KL is a term of the loss, or subtracted from the reward. */
    klPlace: z.enum(["loss", "reward"]),
    /** Target KL, in nats per response, to which the coefficient adapts (Ziegler et al. 2019); null keeps it fixed. */
    klTarget: positive.nullable(),
    /** Truncated importance sampling: cap on the trainer/sampler probability ratio of a token; null turns the correction off. */
    importanceCap: positive.nullable(),
    overlong: overlongSchema,
    /** Extra batches that a step may sample to replace groups without variance. */
    extraBatches: z.number().int().nonnegative(),
    /** Passes over each step's rollouts. */
    epochs: z.number().int().positive(),
    /** Optimizer steps in each pass. */
    minibatches: z.number().int().positive(),
    /** Share of the reward that parsable text earns by itself; keep it small, or it swamps the outcome. */
    formatWeight: share,
    maxResponseLength: z.number().int().positive(),
    optimizer: optimizerSchema,
    /** PPO: advantages per token, from a learned value. Null: rewards are compared within a group. */
    critic: criticSchema.nullable(),
  })
  .refine(({ critic, extraBatches }) => critic === null || extraBatches === 0, {
    path: ["extraBatches"],
    error: "0 with a critic, which learns from groups without variance too",
  })
  .refine(({ klTarget, klCoefficient }) => klTarget === null || klCoefficient > 0, {
    path: ["klCoefficient"],
    error: "more than 0 where it is to be steered: it is changed by a share of itself",
  });

export type PolicyOptions = Readonly<z.infer<typeof policyOptionsSchema>>;
export type CriticOptions = Readonly<z.infer<typeof criticSchema>>;
export type Overlong = z.infer<typeof overlongSchema>;
