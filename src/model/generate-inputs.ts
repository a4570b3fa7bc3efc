import * as o from "../onnx/operators.js";
import { input, scalar, type Value } from "../onnx/value.js";
import { sampleTokens } from "./sample-tokens.js";

/** What decoding takes, whatever its attention: B prompts of P tokens, G responses each, at most N tokens. */
export interface GenerateInputs {
  /** [B, P] */
  readonly promptIds: Value;
  /** [B] */
  readonly promptLengths: Value;
  /** [N, B, G] in [0, 1) */
  readonly uniforms: Value;
  /** [B]; 0 is greedy. */
  readonly temperatures: Value;
  /** [K] */
  readonly stopIds: Value;
}

export function generateInputs(): GenerateInputs {
  return {
    promptIds: input("prompt_ids", "int64", ["B", "P"]),
    promptLengths: input("prompt_lengths", "int64", ["B"]),
    uniforms: input("uniforms", "float32", ["N", "B", "G"]),
    temperatures: input("temperatures", "float32", ["B"]),
    stopIds: input("stop_ids", "int64", ["K"]),
  };
}

/** Sampling of one step for all B·G rows, and which responses end with these tokens. */
export function tokenSampler({ uniforms, temperatures, stopIds }: GenerateInputs) {
  const rowTemperatures = o.reshape(o.expand(o.reshape(temperatures, ["B", 1]), ["B", "G"]), ["B*G"]);
  return {
    /** Draws [B*G] of a step. */
    draws: (step: Value) => o.reshape(o.gather(uniforms, step), ["B*G"]),
    sample: (logits: Value, draws: Value) => sampleTokens(logits, draws, rowTemperatures),
    /** Of tokens [B*G], or [steps, B*G] where any of the steps counts. */
    isStop: (tokens: Value) => {
      const hits = o.equal(o.reshape(tokens, [...tokens.shape, 1]), stopIds);
      const row = tokens.shape.length - 1;
      return any(
        hits,
        hits.shape.flatMap((_, axis) => (axis === row ? [] : [axis])),
      );
    },
  };
}

/** Row numbers [B] of each prompt's last token among B·P rows. */
export function lastPromptRows(promptLengths: Value): Value {
  const rows = o.reshape(o.range("B*P"), ["B", "P"]);
  return o.reshape(o.gatherElements(rows, o.sub(o.reshape(promptLengths, ["B", 1]), 1)), ["B"]);
}

/** Logits [B, V] of the prompts to [B·G, V] of their responses. */
export function fanOutLogits(logits: Value, vocabularySize: number): Value {
  const perPrompt = o.reshape(logits, ["B", 1, vocabularySize]);
  return o.reshape(o.expand(perPrompt, ["B", "G", vocabularySize]), ["B*G", vocabularySize]);
}

/** Whether any is true, over the axes (all by default). Summed in float32: CUDA's sums of integers need cuDNN. */
export function any(flags: Value, axes?: readonly number[]): Value {
  return o.less(scalar(0, "float32"), o.reduceSum(o.where(flags, 1, 0), axes));
}

/** The first step's values [B·G] before those of the loop [trips, B·G]. */
export function allSteps(first: Value, rest: Value): Value {
  return o.concat([o.reshape(first, [1, "B*G"]), rest], 0);
}

export const zero = (): Value => scalar(0, "int64");
