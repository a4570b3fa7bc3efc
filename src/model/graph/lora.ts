import * as o from "../../onnx/operators.js";
import { input, type Value } from "../../onnx/value.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import { requiredTensors } from "../checkpoint/weights.js";
import type { DecoderParameters } from "./decoder.js";
import type { Precision } from "./precision.js";

/** The linear layers that carry an adapter: all seven of each block, with their sizes. */
export function adaptedLayers(
  config: DecoderConfig,
): { readonly name: string; readonly into: number; readonly out: number }[] {
  const layers = [];
  for (const [name, shape] of requiredTensors(config)) {
    if (!/_proj\.weight$/.test(name)) continue;
    layers.push({ name: name.replace(/\.weight$/, ""), into: shape[1]!, out: shape[0]! });
  }
  return layers;
}

/** An adapter's tensors as graph inputs; the rank stays open, so that one graph serves adapters of any rank. */
export interface LoraInputs {
  /** Layer name to A [rank, in] and B [out, rank]. */
  readonly pairs: ReadonlyMap<string, { readonly a: Value; readonly b: Value }>;
  /** alpha / rank. */
  readonly scale: Value;
  readonly inputs: readonly Value[];
}

export const LORA_SCALE = "lora_scale";
export const loraInputName = (layer: string, part: "lora_A" | "lora_B"): string => `${layer}.${part}`;

export function loraInputs(config: DecoderConfig): LoraInputs {
  const pairs = new Map(
    adaptedLayers(config).map(({ name, into, out }) => [
      name,
      {
        a: input(loraInputName(name, "lora_A"), "float32", ["rank", into]),
        b: input(loraInputName(name, "lora_B"), "float32", [out, "rank"]),
      },
    ]),
  );
  const scale = input(LORA_SCALE, "float32", []);
  return { pairs, scale, inputs: [scale, ...[...pairs.values()].flatMap(({ a, b }) => [a, b])] };
}

/** Low-rank adaptation (Hu et al. 2021): x Wᵀ + (x Aᵀ) (scale · B)ᵀ. Costs two thin products a layer, and the gradient needs only them. */
export function factored(
  tensor: (name: string) => Value,
  lora: LoraInputs,
  biases: ReadonlySet<string>,
  dtype: Precision = "float32",
): DecoderParameters {
  return separate(tensor, dtype, (x, name) => {
    const { a, b } = lora.pairs.get(name)!;
    const low = o.matmul(x, o.cast(a, dtype), { transposeB: true });
    const y = o.add(
      o.matmul(x, tensor(`${name}.weight`), { transposeB: true }),
      o.matmul(low, o.cast(o.mul(b, lora.scale), dtype), { transposeB: true }),
    );
    return withBias(y, name, tensor, biases);
  });
}

/** The same, with W + scale · B A computed once per run: a decoding step then costs what the base model costs. */
export function merged(
  tensor: (name: string) => Value,
  lora: LoraInputs,
  biases: ReadonlySet<string>,
  dtype: Precision = "float32",
): DecoderParameters {
  const weight = mergedWeights(tensor, lora, dtype);
  return separate(tensor, dtype, (x, name) =>
    withBias(o.matmul(x, weight(name), { transposeB: true }), name, tensor, biases),
  );
}

/** W + scale · B A by layer name. The product has as many terms as the adapter has ranks: it is exact enough in 16 bits once it is added up. */
export function mergedWeights(
  tensor: (name: string) => Value,
  lora: LoraInputs,
  dtype: Precision,
): (name: string) => Value {
  const weights = new Map<string, Value>();
  return (name) => {
    const { a, b } = lora.pairs.get(name)!;
    const change = () => o.matmul(o.cast(o.mul(b, lora.scale), dtype), o.cast(a, dtype));
    const weight = weights.get(name) ?? o.add(tensor(`${name}.weight`), change());
    weights.set(name, weight);
    return weight;
  };
}

/** No adapter. */
export function plain(
  tensor: (name: string) => Value,
  biases: ReadonlySet<string>,
  dtype: Precision = "float32",
): DecoderParameters {
  return separate(tensor, dtype, (x, name) =>
    withBias(o.matmul(x, tensor(`${name}.weight`), { transposeB: true }), name, tensor, biases),
  );
}

/** Every layer by itself. */
function separate(
  tensor: (name: string) => Value,
  dtype: Precision,
  linear: (x: Value, name: string) => Value,
): DecoderParameters {
  return {
    dtype,
    tensor,
    linears: (x, names, norm) => {
      const input = norm === undefined ? x : norm(x);
      return names.map((name) => linear(input, name));
    },
    // The widest activations: two of four are kept, and two computed again from them.
    gatedLinear: (gate, up, name) =>
      linear(
        o.recompute([gate, up], ([a, b]) => o.gated(a!, b!)),
        name,
      ),
  };
}

function withBias(y: Value, name: string, tensor: (name: string) => Value, biases: ReadonlySet<string>): Value {
  return biases.has(`${name}.bias`) ? o.add(y, tensor(`${name}.bias`)) : y;
}
