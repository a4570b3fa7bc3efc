import { join } from "node:path";
import { readConfig } from "../model/checkpoint/config.js";
import { openCheckpoint } from "../model/checkpoint/weights.js";
import { scalarTensor, tokenTensor } from "../model/engine/batching.js";
import { decodeBatch } from "../model/engine/decoding.js";
import { feedsOf, type ParameterSet, readLora, zeroLora } from "../model/engine/parameter-set.js";
import { groupFeeds, scoreBatch, unpad } from "../model/engine/scoring.js";
import { Sessions } from "../model/engine/sessions.js";
import { Decoder } from "../model/graph/decoder.js";
import { generateGraph } from "../model/graph/generate-graph.js";
import { factored, merged } from "../model/graph/lora.js";
import { loraInputs } from "../model/graph/lora-inputs.js";
import { GRADIENT_SCALE, groupInputs, responseLogits } from "../model/graph/policy-graph.js";
import { groupAdvantages } from "../train/algorithm/advantage.js";
import { aggregations, tokenWeights } from "../train/algorithm/aggregation.js";
import { type Check, compare } from "./check.js";
import { turnedTokens, withExpectedDecisions } from "./clip-decisions.js";
import { differing, largestDifference } from "./difference.js";
import { ExpectedNumbers } from "./expected-numbers.js";
import { adapterGradients, compareGradients } from "./gradients.js";
import { checkPpo } from "./ppo-checks.js";
import type { Reference, ReferenceOptions } from "./reference.js";
import { decoderParameters, open, runOnce } from "./run-graph.js";

/** The graphs of the engine beside another implementation's numbers, on one tiny checkpoint. @throws FileError. */
export async function* checkReferenceFolder(folder: string, options: ReferenceOptions): AsyncGenerator<Check> {
  const config = await readConfig(folder);
  const checkpoint = await openCheckpoint(folder, config);
  const expected = await ExpectedNumbers.read(folder);
  const adapter = await readLora(config, join(folder, "adapter"));
  const { device, precision = "float32" } = options;
  const sessions = new Sessions(checkpoint, { device, precision, parameters: 0 });
  const reference = { ...options, precision, folder, checkpoint, expected, adapter, sessions };
  try {
    yield* checkLogits(reference);
    yield* checkDecoding(reference);
    yield* checkLogprobs(reference);
    yield checkAdvantages(reference);
    yield* checkGrpo(reference);
    yield* checkPpo(reference);
  } finally {
    await sessions.release();
  }
}

/** Of gradients in float16. */
const SCALE = 2 ** 10;

/** Every position of prompt and response: the first token is taken for the prompt, so that the whole rest is scored. */
async function* checkLogits(reference: Reference): AsyncGenerator<Check> {
  const { folder, checkpoint, expected, device, precision, bounds } = reference;
  const { prompt, slots } = expected.tokens();
  const inputs = groupInputs();
  const lora = loraInputs(checkpoint.config, precision);
  const decoder = new Decoder(checkpoint.config, decoderParameters(checkpoint, precision, factored, lora));
  const logits = responseLogits(decoder, inputs);
  const tokens = Object.values(inputs).filter((input) => input !== inputs.targetIds);
  const definition = { inputs: [...tokens, ...lora.inputs], outputs: { logits } };
  const groups = [{ promptIds: prompt.slice(0, 1), responses: slots.map((row) => [...prompt.slice(1), ...row, 0]) }];
  const { target_ids: _, ...feeds } = groupFeeds(groups, checkpoint.config).feeds;
  const results = await runOnce(checkpoint, device, definition, { ...feeds, ...feedsOf(zeroLora(checkpoint.config)) });
  const error = largestDifference(results.logits!.data as Float32Array, expected.floats("logits"));
  yield compare(folder, "logits", error, bounds.logits);
}

async function* checkDecoding(reference: Reference): AsyncGenerator<Check> {
  const { folder, checkpoint, expected, adapter, device, precision, bounds } = reference;
  const greedy = expected.integers("greedy");
  const lora = loraInputs(checkpoint.config, precision);
  const apply = { merged, factored };
  const adapted: number[][] = [];
  for (const form of ["merged", "factored"] as const) {
    const parameters = decoderParameters(checkpoint, precision, apply[form], lora);
    const definition = generateGraph(new Decoder(checkpoint.config, parameters), lora.inputs);
    const session = await open(checkpoint, device, definition);
    const decode = async (set: ParameterSet): Promise<number[]> => {
      const promptIds = expected.integers("prompt");
      const request = { promptIds, maxNewTokens: greedy.length, temperature: 0, seed: 0 };
      const [[row] = []] = await decodeBatch(session, [request], [], checkpoint.config, feedsOf(set));
      return row!.ids;
    };
    const error = differing(await decode(zeroLora(checkpoint.config)), greedy);
    yield compare(folder, `greedy tokens that differ (${greedy.length}, adapter ${form})`, error, bounds.greedy);
    adapted.push(await decode(adapter));
    await session.release();
  }
  const [first, second] = adapted;
  const both = "greedy tokens that differ between merged and factored adapter";
  yield compare(folder, both, differing(first!, second!), bounds.greedy);
}

async function* checkLogprobs({ folder, checkpoint, expected, adapter, sessions, bounds }: Reference) {
  const { prompt, responses } = expected.tokens();
  const session = await sessions.get("scores", "lora");
  const sets = { reference: zeroLora(checkpoint.config), lora: adapter };
  for (const name of ["reference", "lora"] as const) {
    const groups = [{ promptIds: prompt, responses }];
    const logprobs = await scoreBatch(session, groups, checkpoint.config, feedsOf(sets[name]));
    const error = largestDifference(logprobs.flat(2), expected.perToken(`${name}_logprobs`).flat());
    yield compare(folder, `log-probabilities, ${name === "lora" ? "with adapter" : "base"}`, error, bounds.logprobs);
  }
}

function checkAdvantages({ folder, expected, bounds }: Reference): Check {
  const advantages = groupAdvantages([...expected.floats("rewards")], "mean-std");
  const error = largestDifference(advantages, expected.floats("group_advantages"));
  return compare(folder, "group advantages", error, bounds.advantages);
}

async function* checkGrpo({ folder, checkpoint, expected, adapter, sessions, bounds }: Reference) {
  const { prompt, responses, lengths } = expected.tokens();
  const session = await sessions.update("policy", "lora");
  const groups = [{ promptIds: prompt, responses }];
  const { feeds, width } = groupFeeds(groups, checkpoint.config);
  const advantages = expected.floats("group_advantages");
  const [old, adapted] = [expected.perToken("old_logprobs"), expected.perToken("lora_logprobs")];
  const perToken = (rows: readonly (readonly number[])[]) => tokenTensor([rows], width);
  for (const aggregation of aggregations) {
    const settings = expected.settings.grpo[aggregation];
    const maxResponseLength = settings.max_response_length;
    const learn = (oldLogprobs: readonly (readonly number[])[]) =>
      session.run({
        ...feeds,
        ...feedsOf(adapter),
        weights: perToken(tokenWeights(lengths, aggregation, { maxResponseLength })),
        advantages: perToken(responses.map((ids, row) => ids.map(() => advantages[row]!))),
        old_logprobs: perToken(oldLogprobs),
        reference_logprobs: perToken(expected.perToken("reference_logprobs")),
        clip_low: scalarTensor(settings.clip_low),
        clip_high: scalarTensor(settings.clip_high),
        kl_coefficient: scalarTensor(settings.kl_coef),
        ...(session.takes(GRADIENT_SCALE) ? { [GRADIENT_SCALE]: scalarTensor(SCALE) } : {}),
      });
    const results = await learn(old);
    const name = `GRPO ${aggregation}`;
    const loss = (results.loss!.data as Float32Array)[0]!;
    yield compare(folder, `${name}: loss`, Math.abs(loss - settings.loss), bounds.loss);
    const [own] = unpad(results.logprobs!, groups);
    const clip = { clipLow: settings.clip_low, clipHigh: settings.clip_high, advantages };
    const turned = turnedTokens(own!, adapted, old, clip);
    const farthest = turned.reduce((most, { distance }) => Math.max(most, distance), 0);
    const turnedNote = turned.length === 0 ? undefined : `${turned.length} of ${adapted.flat().length} tokens`;
    yield compare(folder, `${name}: distance from its bound of a turned clip`, farthest, bounds.logprobs, turnedNote);
    const compared = turned.length === 0 ? results : await learn(withExpectedDecisions(turned, own!, adapted, old));
    const wanted = (at: string) => expected.floats(`grpo.${aggregation}.grad.${at}`);
    yield* compareGradients(folder, name, adapterGradients(checkpoint.config, compared), wanted, bounds);
  }
}
