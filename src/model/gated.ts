import * as o from "../onnx/operators.js";
import { scalar, type Value } from "../onnx/value.js";

/** silu(gate) · up, the widest activations of a block. */
export const gated = (gate: Value, up: Value): Value => o.mul(o.silu(gate), up);

/**
 * The same with its gradient, in as few passes over these activations as elementwise operators allow: with σ = sigmoid(gate) and
 * s = gate · σ, which costs less than the runtime's own SiLU where σ is there, silu′ = s + σ (1 − s).
 */
export function gatedWithGradient(
  gate: Value,
  up: Value,
): { readonly value: Value; readonly gradients: (g: Value) => readonly [Value, Value] } {
  const sigmoid = o.sigmoid(gate);
  const silu = o.mul(gate, sigmoid);
  const slope = () => o.add(silu, o.mul(sigmoid, o.sub(scalar(1, gate.dtype), silu)));
  return { value: o.mul(silu, up), gradients: (g) => [o.mul(o.mul(g, up), slope()), o.mul(g, silu)] };
}
