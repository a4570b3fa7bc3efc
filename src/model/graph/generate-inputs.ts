import * as o from "../../onnx/operators.js";
import { input, scalar, type Value } from "../../onnx/value.js";
import { type Draws, sampleDraws, sampleTokens } from "./sample-tokens.js";

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

/** Sampling for all B·G rows, and which responses end with these tokens. */
export function tokenSampler({ uniforms, temperatures, stopIds }: GenerateInputs) {
  const rowTemperatures = o.reshape(o.expand(o.reshape(temperatures, ["B", 1]), ["B", "G"]), ["B*G"]);
  const { targets, divisors } = sampleDraws(o.reshape(uniforms, ["N", "B*G"]), rowTemperatures);
  return {
    /** [N, B*G], by step. */
    targets,
    /** Those of one step, [B*G, 1]. */
    targetsOf: (step: Value) => o.reshape(o.gather(targets, step), ["B*G", 1]),
    /** Logits [B*G, V] and the step's targets [B*G, 1] to tokens and log-probabilities [B*G, 1]. */
    sample: (logits: Value, targets: Draws["targets"]) => sampleTokens(logits, { targets, divisors }),
    /** [B*G] of tokens [B*G, steps]: whether any of the steps ends it. */
    isStop: (tokens: Value) => any(o.equal(o.reshape(tokens, [...tokens.shape, 1]), stopIds), [1, 2]),
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

/** The first step's values [B·G, 1] before those of the loop [trips, B·G, 1], as [trips + 1, B·G]. */
export function allSteps(first: Value, rest: Value): Value {
  return o.concat([o.reshape(first, [1, "B*G"]), o.reshape(rest, [rest.shape[0]!, "B*G"])], 0);
}

export const zero = (): Value => scalar(0, "int64");
