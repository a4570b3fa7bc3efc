import * as o from "./operators.js";
import type { Value } from "./value.js";

/**
 * silu(gate) · up, the widest activations of a block, with its gradient, in as few passes over them as elementwise operators allow: with
 * σ = sigmoid(gate), s = gate · σ, which costs less than the runtime's own SiLU where σ is there, and silu′ = s + σ (1 − s), the gradient
 * of gate is up · (a + σ (g − a)), where a = g · s is that of up.
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
      return [o.mul(up, o.add(onUp, o.mul(sigmoid, o.sub(g, onUp)))), onUp];
    },
  };
}
