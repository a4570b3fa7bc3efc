import * as o from "./operators.js";
import { scalar, type Value } from "./value.js";

/**
 * silu(gate) · up, the widest activations of a block, with its gradient, in as few passes over them as elementwise operators allow: with
 * σ = sigmoid(gate) and s = gate · σ, which costs less than the runtime's own SiLU where σ is there. With a = g · s, the gradient of up, that
 * of gate is up · (g σ + a (1 − σ)): a + σ (g − a) would be a kernel less, and lose g where σ is near 1 and a large.
 */
export function gatedWithGradient(
  gate: Value,
  up: Value,
): { readonly value: Value; readonly gradients: (g: Value) => readonly [Value, Value] } {
  const sigmoid = o.sigmoid(gate);
  const silu = o.mul(gate, sigmoid);
  return {
    value: o.mul(silu, up),
    gradients: (g) => {
      const onUp = o.mul(g, silu);
      const rest = o.sub(scalar(1, gate.dtype), sigmoid);
      return [o.mul(up, o.add(o.mul(g, sigmoid), o.mul(onUp, rest))), onUp];
    },
  };
}
