import * as o from "../../onnx/operators.js";
import { input, type Value } from "../../onnx/value.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import { loraStacks, stackedTensors } from "./lora-stacks.js";
import type { Precision } from "./precision.js";

/** An adapter as the linear layers take it. */
export interface LoraLayers {
  /** Layer name to A [rank, in] and alpha / rank · B [out, rank], in the precision of the layers. */
  readonly pairs: ReadonlyMap<string, { readonly a: Value; readonly b: Value }>;
}

/** The same with the inputs that it enters the graph by; the rank stays open, so that one graph serves adapters of any rank. */
export interface LoraInputs extends LoraLayers {
  /** By name, float32: A [layers, rank, in] and B [layers, out, rank] of each stack. */
  readonly trainable: ReadonlyMap<string, Value>;
  readonly inputs: readonly Value[];
}

/** alpha / rank, float32 of rank 0. */
export const LORA_SCALE = "lora_scale";

export function loraInputs(config: DecoderConfig, dtype: Precision): LoraInputs {
  const scale = input(LORA_SCALE, "float32", []);
  const pairs = new Map<string, { readonly a: Value; readonly b: Value }>();
  const trainable = new Map<string, Value>();
  for (const stack of loraStacks(config)) {
    const { layers } = stack;
    const { A, B } = stackedTensors(stack, "rank");
    const [a, b] = [input(A.name, "float32", A.shape), input(B.name, "float32", B.shape)];
    trainable.set(A.name, a).set(B.name, b);
    const each = (whole: Value) =>
      o
        .split(
          o.cast(whole, dtype),
          layers.map(() => 1),
          0,
        )
        .map((part) => o.reshape(part, whole.shape.slice(1)));
    const [eachA, eachB] = [each(a), each(o.mul(b, scale))];
    for (const [i, layer] of layers.entries()) pairs.set(layer, { a: eachA[i]!, b: eachB[i]! });
  }
  return { pairs, trainable, inputs: [scale, ...trainable.values()] };
}
