import { sharesOf } from "../../onnx/dimension.js";
import type { ModelDefinition } from "../../onnx/emit.js";
import { gradient } from "../../onnx/gradient.js";
import * as o from "../../onnx/operators.js";
import { input, type Value } from "../../onnx/value.js";
import { additiveMask, causalMask } from "./attention-masks.js";
import { blockedScores } from "./blocked-scores.js";
import type { Decoder } from "./decoder.js";
import { extraColumns } from "./extra-columns.js";
import { attendInGroups, type GroupAttention } from "./group-attention.js";
import { defaultForm, type KlEstimator, type PolicyForm } from "./policy-form.js";
import type { Precision } from "./precision.js";
import { PROMPT_BLOCKS, type PromptBlock } from "./prompt-gradient.js";
import { responseColumns } from "./response-gradient.js";

/**
 * B prompts, each with a group of G responses. Prompts are padded on the right to P, responses to 1 + R. The prompt is computed
 * once for its group; a response's last token is a target only, so that the network sees R of its tokens.
 */
export interface GroupInputs {
  /** [B, P] */
  readonly promptIds: Value;
  /** [B] */
  readonly promptLengths: Value;
  /** [B, G, R]: each response without its last slot. */
  readonly responseIds: Value;
  /** [B, G, 1+R] */
  readonly targetIds: Value;
}

export function groupInputs(): GroupInputs {
  return {
    promptIds: input("prompt_ids", "int64", ["B", "P"]),
    promptLengths: input("prompt_lengths", "int64", ["B"]),
    responseIds: input("response_ids", "int64", ["B", "G", "R"]),
    targetIds: input("target_ids", "int64", ["B", "G", "1+R"]),
  };
}

/** How states are computed: `fused` attention within prompts takes the runtime's own kernel, which 16-bit precisions have. */
export interface StateOptions {
  readonly fused?: boolean;
}

/** Logits [B·G·(1+R), V] of every response token, each from the state that precedes it. */
export function responseLogits(decoder: Decoder, inputs: GroupInputs, options: StateOptions = {}): Value {
  return decoder.logits(responseStates(decoder, inputs, options));
}

/** Hidden states [B·G·(1+R), hiddenSize] that precede each response token, before the last norm. */
export function responseStates(
  decoder: Decoder,
  { promptIds, promptLengths, responseIds }: Omit<GroupInputs, "targetIds">,
  { fused = false }: StateOptions = {},
): Value {
  const { config: counts, dtype } = decoder;
  const ids = o.concat([o.reshape(promptIds, ["B*P"]), o.reshape(responseIds, ["B*G*R"])], 0);
  const promptPositions = o.range("P");
  const responsePositions = o.add(o.reshape(promptLengths, ["B", 1, 1]), o.reshape(o.range("R"), [1, 1, "R"]));
  const positions = o.concat(
    [
      o.reshape(o.expand(o.reshape(promptPositions, [1, "P"]), ["B", "P"]), ["B*P"]),
      o.reshape(o.expand(responsePositions, ["B", "G", "R"]), ["B*G*R"]),
    ],
    0,
  );
  // Padding on the right is invisible to the prompt itself by causality, but not to its responses.
  const known = o.less(o.reshape(promptPositions, [1, 1, 1, "P"]), o.reshape(promptLengths, ["B", 1, 1, 1]));
  const total = o.cast(o.extent("P"), "int32");
  const columns = extraColumns(o.reshape(known, ["B", 1, "P", 1]), dtype);
  const padding = additiveMask(o.reshape(known, ["B", "P", 1]), dtype);
  const attention: GroupAttention = {
    counts,
    columns,
    promptBlocks: promptBlocks(promptPositions, fused ? PROMPT_BLOCKS : 1, dtype),
    responseColumns: responseColumns(padding, dtype),
    forward: fused
      ? { kind: "fused", lengths: o.expand(o.reshape(o.sub(total, 1), [1]), ["B"]), total }
      : {
          kind: "plain",
          promptMask: causalMask(promptPositions, promptPositions, dtype),
          masks: { context: additiveMask(known, dtype), own: causalMask(o.range("R"), o.range("R"), dtype) },
        },
  };
  const hidden = decoder.layers(decoder.embed(ids), positions, (projections) => attendInGroups(projections, attention));
  return beforeEachToken(hidden, promptLengths);
}

function promptBlocks(positions: Value, count: number, dtype: Precision): PromptBlock[] {
  const lengths = sharesOf("P", count);
  const parts = o.split(positions, lengths, 0);
  return lengths.map((rows, i) => ({
    rows,
    mask: causalMask(parts[i]!, o.concat(parts.slice(0, i + 1), 0), dtype),
  }));
}

/** From hidden states of all tokens, those that precede a response token: the prompt's last one, then the response's. */
function beforeEachToken(hidden: Value, promptLengths: Value): Value {
  const size = hidden.shape[1]!;
  const [prompt, response] = o.split(hidden, ["B*P", "B*G*R"], 0);
  // Picked by a product with ones and zeros, which is exact, and whose gradient needs no atomic additions.
  const isLast = o.equal(o.reshape(o.range("P"), [1, "P"]), o.reshape(o.sub(promptLengths, 1), ["B", 1]));
  const pick = o.reshape(o.cast(isLast, hidden.dtype), ["B", 1, "P"]);
  const last = o.matmul(pick, o.reshape(prompt!, ["B", "P", size]));
  const first = o.expand(o.reshape(last, ["B", 1, 1, size]), ["B", "G", 1, size]);
  return o.reshape(o.concat([first, o.reshape(response!, ["B", "G", "R", size])], 2), ["B*G+B*G*R", size]);
}

/** The same as `tokenScores` of the states' logits, which never exist as a whole; the head is frozen. */
export function blockedTokenScores(decoder: Decoder, states: Value, targetIds: Value): Value {
  const targets = o.reshape(targetIds, ["B*G+B*G*R"]);
  return o.reshape(blockedScores(decoder.lastNorm(states), decoder.head(), targets), targetIds.shape);
}

/** log π(token | prefix) of each response token [B, G, 1+R]. */
export function tokenScores(logits: Value, targetIds: Value): Value {
  const all = o.logSoftmax(o.cast(logits, "float32"));
  const logprobs = o.gatherElements(all, o.reshape(targetIds, ["B*G+B*G*R", 1]));
  return o.reshape(logprobs, targetIds.shape);
}

/** What a policy-gradient step needs beside the tokens, all float32. */
export interface PolicyInputs {
  /** [B, G, 1+R]: share of each token in the loss; 0 for padding. Sums the batch's chosen aggregation, so that micro-batches add up exactly. */
  readonly weights: Value;
  /** [B, G, 1+R] */
  readonly advantages: Value;
  /** [B, G, 1+R]: of the policy that sampled the responses. */
  readonly oldLogprobs: Value;
  /** [B, G, 1+R]: of the reference policy. */
  readonly referenceLogprobs: Value;
  /** [B, G, 1+R]: 1 / length of the response, 0 for padding. Only a ratio of sequences takes it. */
  readonly sequenceShares?: Value;
  /** Scalars. */
  readonly clipLow: Value;
  readonly clipHigh: Value;
  readonly klCoefficient: Value;
}

export function policyInputs({ ratio }: PolicyForm = defaultForm): PolicyInputs {
  const perToken = (name: string) => input(name, "float32", ["B", "G", "1+R"]);
  return {
    weights: perToken("weights"),
    advantages: perToken("advantages"),
    oldLogprobs: perToken("old_logprobs"),
    referenceLogprobs: perToken("reference_logprobs"),
    ...(ratio === "sequence" ? { sequenceShares: perToken("sequence_shares") } : {}),
    clipLow: input("clip_low", "float32", []),
    clipHigh: input("clip_high", "float32", []),
    klCoefficient: input("kl_coefficient", "float32", []),
  };
}

/** Σ w · (−min(ρ A, clip(ρ) A) + β KL): PPO's clipped surrogate (Schulman et al. 2017) with a KL estimate in the loss (Shao et al. 2024, eq. 4). */
export function policyLoss(given: Value, p: PolicyInputs, { ratio: level, kl }: PolicyForm = defaultForm): Value {
  // A token without weight, such as padding, may be so unlikely that its terms overflow, and 0 · ∞ is no number.
  const logprobs = o.where(o.equal(p.weights, 0), p.referenceLogprobs, given);
  const ratio = level === "token" ? o.exp(o.sub(logprobs, p.oldLogprobs)) : sequenceRatio(given, p);
  const clipped = o.min(o.max(ratio, o.neg(o.sub(p.clipLow, 1))), o.add(p.clipHigh, 1));
  const surrogate = o.min(o.mul(ratio, p.advantages), o.mul(clipped, p.advantages));
  const penalty = klEstimates[kl](o.sub(p.referenceLogprobs, logprobs));
  return o.reduceSum(o.mul(p.weights, o.sub(o.mul(p.klCoefficient, penalty), surrogate)));
}

/**
 * GSPO-token's ratio (Zheng et al. 2025, eq. 14): sg[s] · π / sg[π], with s = exp(mean over the response of log π / π_old).
 * All tokens of a response have the value s, and each the gradient of its own log-probability.
 */
function sequenceRatio(logprobs: Value, { oldLogprobs, sequenceShares }: PolicyInputs): Value {
  const mean = o.reduceSum(o.mul(o.sub(logprobs, oldLogprobs), sequenceShares!), [-1], true);
  return o.exp(o.add(o.stopGradient(mean), o.sub(logprobs, o.stopGradient(logprobs))));
}

/** Estimates of KL(π ‖ π_ref) from a token that π sampled, of d = log π_ref − log π (Schulman 2020, "Approximating KL divergence"). */
const klEstimates: { readonly [K in KlEstimator]: (difference: Value) => Value } = {
  k1: (difference) => o.neg(difference),
  k2: (difference) => o.mul(o.mul(difference, difference), 0.5),
  k3: (difference) => o.sub(o.sub(o.exp(difference), difference), 1),
};

/** Σ w · (−log π): maximum likelihood of the given responses. */
export function likelihoodLoss(logprobs: Value, weights: Value): Value {
  return o.neg(o.reduceSum(o.mul(weights, logprobs)));
}

export const GRADIENT_PREFIX = "gradient:";

/** A float32 scalar by which gradients are larger inside the graph than outside: the smallest would be 0 in float16. */
export const GRADIENT_SCALE = "gradient_scale";

/** Adds the gradient of the loss with respect to each named parameter to a model's outputs; in float16 the graph takes a gradient scale. */
export function withGradients(
  loss: Value,
  parameters: ReadonlyMap<string, Value>,
  inputs: readonly Value[],
  outputs: Readonly<Record<string, Value>>,
  dtype: Precision = "float32",
): ModelDefinition {
  const scale = gradientScaleInput(dtype);
  return {
    inputs: [...inputs, ...scale],
    outputs: { loss, ...outputs, ...namedGradients(loss, parameters, scale[0]) },
  };
}

/** The gradient scale of graphs in float16, as a list of none or one. */
export function gradientScaleInput(dtype: Precision): readonly Value[] {
  return dtype === "float16" ? [input(GRADIENT_SCALE, "float32", [])] : [];
}

/** The gradient of the loss with respect to each parameter, by output name. */
export function namedGradients(
  loss: Value,
  parameters: ReadonlyMap<string, Value>,
  scale: Value | undefined,
): Record<string, Value> {
  const gradients = gradient(loss, [...parameters.values()], scale);
  const named = [...parameters.keys()].map((name, i) => {
    const whole = gradients[i]!;
    return [`${GRADIENT_PREFIX}${name}`, scale === undefined ? whole : o.div(whole, scale)] as const;
  });
  return Object.fromEntries(named);
}
