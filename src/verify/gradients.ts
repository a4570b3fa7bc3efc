import type { LoraPair } from "../model/checkpoint/adapter-files.js";
import type { DecoderConfig } from "../model/checkpoint/config.js";
import { unstackLora } from "../model/graph/lora-stacks.js";
import { GRADIENT_PREFIX } from "../model/graph/policy-graph.js";
import { VALUE_BIAS, VALUE_WEIGHT } from "../model/graph/value-graph.js";
import type { HostTensor } from "../onnx/session.js";
import { type Bounds, type Check, compare } from "./check.js";
import { directionError, worst } from "./difference.js";

type Results = Readonly<Record<string, HostTensor>>;

const gradientOf = (results: Results, name: string) => results[`${GRADIENT_PREFIX}${name}`]!.data as Float32Array;

/** The gradients of an adapter that a graph gave, by peft's names. */
export function adapterGradients(config: DecoderConfig, results: Results): Map<string, Float32Array> {
  const pairs = unstackLora(config, (name) => gradientOf(results, name));
  const named = (layer: string, half: keyof LoraPair) => `base_model.model.${layer}.lora_${half}.default.weight`;
  return new Map(
    [...pairs].flatMap(([layer, { A, B }]) => [
      [named(layer, "A"), A],
      [named(layer, "B"), B],
    ]),
  );
}

/** The gradients of a value head that a graph gave, by the references' names. */
export const headGradients = (results: Results): Map<string, Float32Array> =>
  new Map([
    ["value_weight", gradientOf(results, VALUE_WEIGHT)],
    ["value_bias", gradientOf(results, VALUE_BIAS)],
  ]);

/** The worst of gradients by name, by size and by direction. */
export function* compareGradients(
  folder: string,
  name: string,
  gradients: ReadonlyMap<string, Float32Array>,
  wanted: (name: string) => Float32Array,
  bounds: Bounds,
): Generator<Check> {
  const errors = [...gradients].map(([at, values]) => ({ at, ...directionError(values, wanted(at)) }));
  const relative = worst(errors, (error) => error.relative);
  const angle = worst(errors, (error) => error.angle);
  yield compare(folder, `${name}: gradients, relative error`, relative.error, bounds.gradient, relative.item?.at);
  yield compare(folder, `${name}: gradients, 1 − cosine`, angle.error, bounds.gradientCosine, angle.item?.at);
}
