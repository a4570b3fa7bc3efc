import type { Checkpoint } from "../model/checkpoint/weights.js";
import { scalarTensor, tokenTensor } from "../model/engine/batching.js";
import { feedsOf } from "../model/engine/parameter-set.js";
import { groupFeeds, unpad } from "../model/engine/scoring.js";
import { Decoder } from "../model/graph/decoder.js";
import { factored } from "../model/graph/lora.js";
import { loraInputs } from "../model/graph/lora-inputs.js";
import * as graphs from "../model/graph/policy-graph.js";
import type { Precision } from "../model/graph/precision.js";
import {
  tokenValues,
  VALUE_BIAS,
  VALUE_WEIGHT,
  valueHead,
  valueInputs,
  valueLoss,
} from "../model/graph/value-graph.js";
import type { ModelDefinition } from "../onnx/emit.js";
import * as o from "../onnx/operators.js";
import type { HostTensor } from "../onnx/session.js";
import { tokenWeights } from "../train/algorithm/aggregation.js";
import { generalizedAdvantages, whiten } from "../train/algorithm/gae.js";
import { tokenRewards } from "../train/algorithm/token-rewards.js";
import { type Check, compare } from "./check.js";
import { largestDifference } from "./difference.js";
import { adapterGradients, compareGradients, headGradients } from "./gradients.js";
import type { Reference } from "./reference.js";
import { decoderParameters, runOnce } from "./run-graph.js";

/** PPO's arithmetic, and one step's losses and gradients where policy and value head share an adapter. */
export async function* checkPpo(reference: Reference): AsyncGenerator<Check> {
  yield* checkEstimates(reference);
  const { folder, checkpoint, expected, adapter, device, precision, bounds } = reference;
  const { prompt, responses } = expected.tokens();
  const settings = expected.settings.ppo;
  const definition = combinedGraph(checkpoint, settings.value_coef, precision);
  const results = await runOnce(checkpoint, device, definition, {
    ...feeds(reference),
    ...feedsOf(adapter),
    ...(precision === "float16" ? { [graphs.GRADIENT_SCALE]: scalarTensor(2 ** 10) } : {}),
  });
  const number = (name: string) => (results[name]!.data as Float32Array)[0]!;
  const values = unpad(results.values!, [{ promptIds: prompt, responses }]).flat(2);
  yield compare(
    folder,
    "PPO: values",
    largestDifference(values, expected.perToken("ppo.values").flat()),
    bounds.values,
  );
  for (const part of ["policy_loss", "value_loss"] as const) {
    yield compare(folder, `PPO: ${part.replace("_", " ")}`, Math.abs(number(part) - settings[part]), bounds.loss);
  }
  const gradients = new Map([...headGradients(results), ...adapterGradients(checkpoint.config, results)]);
  yield* compareGradients(folder, "PPO", gradients, (name) => expected.floats(`ppo.grad.${name}`), bounds);
}

function* checkEstimates({ folder, expected, bounds }: Reference): Generator<Check> {
  const { kl_coef: klCoefficient, gamma, lambda } = expected.settings.ppo;
  const rows = (name: string) => expected.perToken(name);
  const outcomes = expected.floats("rewards");
  const [old, base] = [rows("old_logprobs"), rows("reference_logprobs")];
  const rewards = old.map((logprobs, r) =>
    tokenRewards(logprobs, base[r]!, { outcome: outcomes[r]!, klCoefficient, klEstimator: "k1" }),
  );
  const values = rows("ppo.old_values");
  const estimates = rewards.map((row, r) => generalizedAdvantages(row, values[r]!, { gamma, lambda }));
  const advantages = estimates.map((estimate) => estimate.advantages);
  const found = {
    "token rewards": [rewards, "token_rewards"],
    "GAE advantages": [advantages, "advantages"],
    returns: [estimates.map(({ returns }) => returns), "returns"],
    "whitened advantages": [whiten(advantages), "whitened_advantages"],
  } as const;
  for (const [name, [ours, theirs]] of Object.entries(found)) {
    const error = largestDifference(ours.flat(), rows(`ppo.${theirs}`).flat());
    yield compare(folder, `PPO: ${name}`, error, bounds.advantages);
  }
}

/** Policy loss + coefficient · value loss over one adapter. */
function combinedGraph(checkpoint: Checkpoint, coefficient: number, precision: Precision): ModelDefinition {
  const lora = loraInputs(checkpoint.config, precision);
  const decoder = new Decoder(checkpoint.config, decoderParameters(checkpoint, precision, factored, lora));
  const group = graphs.groupInputs();
  const [head, policy, value] = [valueHead(checkpoint.config), graphs.policyInputs(), valueInputs()];
  const states = graphs.responseStates(decoder, group);
  const logprobs = graphs.tokenScores(decoder.logits(states), group.targetIds);
  const values = tokenValues(decoder, states, head);
  const policyLoss = graphs.policyLoss(logprobs, policy);
  const criticLoss = valueLoss(values, { ...value, weights: policy.weights });
  const loss = o.add(policyLoss, o.mul(criticLoss, coefficient));
  const trainable = new Map([[VALUE_WEIGHT, head.weight], [VALUE_BIAS, head.bias], ...lora.trainable]);
  const { weights: _, ...valueOnly } = value;
  const parts = [group, policy, valueOnly, head].flatMap((inputs) => Object.values(inputs));
  const outputs = { policy_loss: policyLoss, value_loss: criticLoss, values };
  return graphs.withGradients(loss, trainable, [...parts, ...lora.inputs], outputs, precision);
}

function feeds({ checkpoint, expected }: Reference): Record<string, HostTensor> {
  const { prompt, responses, lengths } = expected.tokens();
  const { clip, value_clip: valueClip } = expected.settings.ppo;
  const tokens = groupFeeds([{ promptIds: prompt, responses }], checkpoint.config);
  const perToken = (rows: readonly (readonly number[])[]) => tokenTensor([rows], tokens.width);
  const named = (name: string) => perToken(expected.perToken(name));
  const headWeight = expected.floats("ppo.value_weight");
  return {
    ...tokens.feeds,
    weights: perToken(tokenWeights(lengths, "token-mean", { maxResponseLength: tokens.width })),
    advantages: named("ppo.whitened_advantages"),
    old_logprobs: named("old_logprobs"),
    // The KL is in the rewards.
    reference_logprobs: named("old_logprobs"),
    clip_low: scalarTensor(clip),
    clip_high: scalarTensor(clip),
    kl_coefficient: scalarTensor(0),
    returns: named("ppo.returns"),
    old_values: named("ppo.old_values"),
    value_clip: scalarTensor(valueClip),
    [VALUE_WEIGHT]: { dtype: "float32", shape: [headWeight.length], data: headWeight },
    [VALUE_BIAS]: { dtype: "float32", shape: [1], data: expected.floats("ppo.value_bias") },
  };
}
