import * as o from "../../onnx/operators.js";
import type { Value } from "../../onnx/value.js";
import type { DecoderParameters } from "./decoder.js";
import type { LoraLayers } from "./lora-inputs.js";
import type { Precision } from "./precision.js";

/** Low-rank adaptation (Hu et al. 2021): x Wᵀ + (x Aᵀ) (scale · B)ᵀ. Costs two thin products a layer, and the gradient needs only them. */
export function factored(
  tensor: (name: string) => Value,
  lora: LoraLayers,
  biases: ReadonlySet<string>,
  dtype: Precision = "float32",
): DecoderParameters {
  return separate(tensor, dtype, (x, name) => {
    const { a, b } = lora.pairs.get(name)!;
    const low = o.matmul(x, a, { transposeB: true });
    const y = o.add(
      o.matmul(x, tensor(`${name}.weight`), { transposeB: true }),
      o.matmul(low, b, { transposeB: true }),
    );
    return withBias(y, name, tensor, biases);
  });
}

/** The same, with W + scale · B A computed once per run: a decoding step then costs what the base model costs. */
export function merged(
  tensor: (name: string) => Value,
  lora: LoraLayers,
  biases: ReadonlySet<string>,
  dtype: Precision = "float32",
): DecoderParameters {
  const weight = mergedWeights(tensor, lora);
  return separate(tensor, dtype, (x, name) =>
    withBias(o.matmul(x, weight(name), { transposeB: true }), name, tensor, biases),
  );
}

/** W + scale · B A by layer name. The product has as many terms as the adapter has ranks: it is exact enough in 16 bits once it is added up. */
export function mergedWeights(tensor: (name: string) => Value, lora: LoraLayers): (name: string) => Value {
  const weights = new Map<string, Value>();
  return (name) => {
    const { a, b } = lora.pairs.get(name)!;
    const weight = weights.get(name) ?? o.add(tensor(`${name}.weight`), o.matmul(b, a));
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
