import * as o from "../../onnx/operators.js";
import { input, type Value } from "../../onnx/value.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import type { Decoder } from "./decoder.js";

/** A scalar head on the states that the language model's head sees. */
export interface ValueHead {
  /** [hiddenSize] */
  readonly weight: Value;
  /** [1] */
  readonly bias: Value;
}

export const VALUE_WEIGHT = "value_head.weight";
export const VALUE_BIAS = "value_head.bias";

export function valueHead({ hiddenSize }: DecoderConfig): ValueHead {
  return { weight: input(VALUE_WEIGHT, "float32", [hiddenSize]), bias: input(VALUE_BIAS, "float32", [1]) };
}

/** Values [B, G, 1+R] of the states that precede each response token; `states` as `responseStates` gives them. */
export function tokenValues(decoder: Decoder, states: Value, { weight, bias }: ValueHead): Value {
  const column = o.reshape(weight, [decoder.config.hiddenSize, 1]);
  return o.reshape(o.add(o.matmul(o.cast(decoder.lastNorm(states), "float32"), column), bias), ["B", "G", "1+R"]);
}

/** What a critic's step needs beside the tokens, all float32. */
export interface ValueInputs {
  /** [B, G, 1+R]: share of each token in the loss; 0 for padding. */
  readonly weights: Value;
  /** [B, G, 1+R] */
  readonly returns: Value;
  /** [B, G, 1+R] */
  readonly oldValues: Value;
  /** Scalar. */
  readonly valueClip: Value;
}

export function valueInputs(): ValueInputs {
  const perToken = (name: string) => input(name, "float32", ["B", "G", "1+R"]);
  return {
    weights: perToken("weights"),
    returns: perToken("returns"),
    oldValues: perToken("old_values"),
    valueClip: input("value_clip", "float32", []),
  };
}

/** ½ Σ w · max((V − R)², (clip(V, V_old ± ε) − R)²): the clipped value loss of PPO's first implementation (Dhariwal et al. 2017). */
export function valueLoss(values: Value, { weights, returns, oldValues, valueClip }: ValueInputs): Value {
  const clipped = o.min(o.max(values, o.sub(oldValues, valueClip)), o.add(oldValues, valueClip));
  const square = (x: Value) => o.mul(x, x);
  const worse = o.max(square(o.sub(values, returns)), square(o.sub(clipped, returns)));
  return o.mul(o.reduceSum(o.mul(weights, worse)), 0.5);
}
