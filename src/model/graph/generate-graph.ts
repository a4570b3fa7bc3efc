import type { ModelDefinition } from "../../onnx/emit.js";
import * as o from "../../onnx/operators.js";
import { constant, input, type Value } from "../../onnx/value.js";
import {
  appendKeyValues,
  attendFromResponse,
  attendWithinPrompt,
  type KeyValues,
  promptHeads,
  responseHeads,
} from "./attention.js";
import { additiveMask, causalMask } from "./attention-masks.js";
import type { Decoder } from "./decoder.js";
import { allSteps, any, fanOutLogits, generateInputs, lastPromptRows, tokenSampler, zero } from "./generate-inputs.js";
import type { Precision } from "./precision.js";

/** Names of a layer's cache tensors, for decoding on from where a run ended. */
export const cacheName = (which: "past" | "context" | "response", part: "keys" | "values", layer: number): string =>
  `${which}_${part}_${layer}`;

/**
 * Prefill and decoding in one run. B prompts, padded on the right to P, after S cached tokens (S is 0, or B is 1 and nothing is padded); each prompt is
 * computed once and its G responses are sampled in a loop of at most N tokens that ends when every row has met a stop token.
 *
 * Inputs: prompt_ids [B, P], prompt_lengths [B], past_keys_i and past_values_i [B, keyValueHeads, S, headSize], uniforms [N, B, G] in [0, 1),
 * temperatures [B] (0 is greedy), stop_ids [K], and the adapter's.
 * Outputs: tokens and logprobs [trips+1, B, G] (at temperature 1; what follows a stop token is filler), and the caches:
 * context_*_i [B, keyValueHeads, S+P, headSize], response_*_i [B, keyValueHeads, G, trips, headSize].
 */
export function generateGraph(decoder: Decoder, adapterInputs: readonly Value[]): ModelDefinition {
  const { config: counts, dtype } = decoder;
  const { layers, keyValueHeads, headSize, vocabularySize } = counts;
  const given = generateInputs();
  const { promptIds, promptLengths } = given;
  const { targetsOf, sample, isStop } = tokenSampler(given);
  const past = Array.from({ length: layers }, (_, layer) => ({
    keys: input(cacheName("past", "keys", layer), "float32", ["B", keyValueHeads, "S", headSize]),
    values: input(cacheName("past", "values", layer), "float32", ["B", keyValueHeads, "S", headSize]),
  }));

  const all = o.range("S+P");
  const [pastPositions, promptPositions] = o.split(all, ["S", "P"], 0);
  const promptMask = causalMask(promptPositions!, all, dtype);
  const contexts: KeyValues[] = [];
  const rowPositions = o.expand(o.reshape(promptPositions!, [1, "P"]), ["B", "P"]);
  const hidden = decoder.layers(
    decoder.embed(o.reshape(promptIds, ["B*P"])),
    o.reshape(rowPositions, ["B*P"]),
    ({ queries, keys, values }, layer) => {
      const own = { keys: promptHeads(keys, "B", "P", counts), values: promptHeads(values, "B", "P", counts) };
      contexts[layer] = appendKeyValues(castBoth(past[layer]!, dtype), own);
      return attendWithinPrompt(queries, contexts[layer], promptMask, "B", counts);
    },
  );
  const promptLogits = decoder.logits(o.gather(hidden, lastPromptRows(promptLengths)));
  const firstLogits = fanOutLogits(promptLogits, vocabularySize);

  const knownPrompt = o.less(o.reshape(o.range("P"), [1, "P"]), o.reshape(promptLengths, ["B", 1]));
  const knownPast = o.expand(o.reshape(o.lessOrEqual(pastPositions!, pastPositions!), [1, "S"]), ["B", "S"]);
  const contextMask = additiveMask(o.reshape(o.concat([knownPast, knownPrompt], 1), ["B", 1, 1, "S+P"]), dtype);
  // Position of a response's first token: after the cached and the prompt's own tokens.
  const promptEnds = o.add(promptLengths, o.extent("S"));

  const first = sample(firstLogits, targetsOf(zero()));
  const iteration = input("iteration", "int64", []);
  const token = input("token", "int64", ["B*G", 1]);
  const done = input("done", "bool", ["B*G"]);
  const own = Array.from({ length: layers }, (_, layer) => {
    const shape = ["B", keyValueHeads, "G", "t", headSize];
    return { keys: input(`k${layer}`, dtype, shape), values: input(`v${layer}`, dtype, shape) };
  });
  const positions = o.expand(o.reshape(o.add(promptEnds, iteration), ["B", 1]), ["B", "G"]);
  const grown: KeyValues[] = [];
  const state = decoder.layers(
    decoder.embed(o.reshape(token, ["B*G"])),
    o.reshape(positions, ["B*G"]),
    ({ queries, keys, values }, layer) => {
      const newest = {
        keys: responseHeads(keys, "B", "G", 1, counts),
        values: responseHeads(values, "B", "G", 1, counts),
      };
      grown[layer] = appendKeyValues(own[layer]!, newest);
      const masks = { context: contextMask, own: undefined };
      return attendFromResponse(
        queries,
        contexts[layer]!,
        grown[layer],
        masks,
        { batch: "B", group: "G", rows: 1 },
        counts,
      );
    },
  );
  const next = sample(decoder.logits(state), targetsOf(o.add(iteration, 1)));
  const nextDone = o.or(done, isStop(next.tokens));
  const empty = o.expand(constant(dtype, [1, 1, 1, 0, 1], new Uint8Array(0)), ["B", keyValueHeads, "G", 0, headSize]);
  const flatten = (layerCaches: readonly KeyValues[]) => layerCaches.flatMap(({ keys, values }) => [keys, values]);
  const finalShape = ["B", keyValueHeads, "G", "trips", headSize];
  const results = o.loop(
    o.sub(o.extent("N"), 1),
    [first.tokens, isStop(first.tokens), ...own.flatMap(() => [empty, empty])],
    {
      iteration,
      states: [token, done, ...flatten(own)],
      // A response that has ended does not stop the others; the loop ends with the last of them.
      proceed: any(o.not(nextDone)),
      nextStates: [next.tokens, nextDone, ...flatten(grown)],
      scans: [next.tokens, next.logprobs],
      trips: "trips",
      finalShapes: [["B*G", 1], ["B*G"], ...own.flatMap(() => [finalShape, finalShape])],
    },
  );
  const [tokens, logprobs] = results.slice(2 + 2 * layers);
  const outputs: Record<string, Value> = {
    tokens: allSteps(first.tokens, tokens!),
    logprobs: allSteps(first.logprobs, logprobs!),
  };
  contexts.forEach(({ keys, values }, layer) => {
    const [ownKeys, ownValues] = results.slice(2 + 2 * layer, 4 + 2 * layer);
    outputs[cacheName("context", "keys", layer)] = o.cast(keys, "float32");
    outputs[cacheName("context", "values", layer)] = o.cast(values, "float32");
    outputs[cacheName("response", "keys", layer)] = o.cast(ownKeys!, "float32");
    outputs[cacheName("response", "values", layer)] = o.cast(ownValues!, "float32");
  });
  return { inputs: [...Object.values(given), ...flatten(past), ...adapterInputs], outputs };
}

/** Caches pass the graph's edge in float32, whatever they are inside. */
const castBoth = ({ keys, values }: KeyValues, dtype: Precision): KeyValues => ({
  keys: o.cast(keys, dtype),
  values: o.cast(values, dtype),
});
