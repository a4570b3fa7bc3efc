import * as o from "../../onnx/operators.js";
import { input, inputName, type Value } from "../../onnx/value.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import { loraInputName, loraStacks } from "./lora-stacks.js";
import type { Precision } from "./precision.js";

/** An adapter as the linear layers take it, and as it enters the graph; the rank stays open, so that one graph serves adapters of any rank. */
export interface LoraInputs {
  /** Layer name to A [rank, in] and alpha / rank · B [out, rank], in the precision of the layers. */
  readonly pairs: ReadonlyMap<string, { readonly a: Value; readonly b: Value }>;
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
  for (const { name, layers, into, out } of loraStacks(config)) {
    const a = input(loraInputName(name, "lora_A"), "float32", [layers.length, "rank", into]);
    const b = input(loraInputName(name, "lora_B"), "float32", [layers.length, out, "rank"]);
    for (const stack of [a, b]) trainable.set(inputName(stack), stack);
    const each = (stack: Value) =>
      o
        .split(
          o.cast(stack, dtype),
          layers.map(() => 1),
          0,
        )
        .map((part) => o.reshape(part, stack.shape.slice(1)));
    const [eachA, eachB] = [each(a), each(o.mul(b, scale))];
    for (const [i, layer] of layers.entries()) pairs.set(layer, { a: eachA[i]!, b: eachB[i]! });
  }
  return { pairs, trainable, inputs: [scale, ...trainable.values()] };
}
