import type { Precision } from "../model/graph/precision.js";

/** One comparison with an independent source. */
export interface Comparison {
  /** The path that was given. */
  readonly file: string;
  readonly check: string;
  /** The largest error, in the check's own unit. */
  readonly error: number;
  readonly bound: number;
  readonly pass: boolean;
  /** Where the error is largest, or what the number leaves out. */
  readonly note?: string;
}

/** A comparison that could not be made, with the reason; it is neither a pass nor a failure. */
export interface Skip {
  readonly file: string;
  readonly check: string;
  readonly skipped: string;
}

export type Check = Comparison | Skip;

/** A check fails where its error is above the bound or is not a number. */
export function compare(file: string, check: string, error: number, bound: number, note?: string): Comparison {
  return { file, check, error, bound, pass: error <= bound, ...(note === undefined ? {} : { note }) };
}

/** Largest errors that are taken for rounding. */
export interface Bounds {
  /** Greedy tokens that may differ: where two logits are nearly equal, 16 bits choose as they round. */
  readonly greedy: number;
  readonly logits: number;
  readonly logprobs: number;
  /** Of a value head, whose numbers are as large as its weights make them. */
  readonly values: number;
  readonly loss: number;
  readonly advantages: number;
  /** ‖g − expected‖ / ‖expected‖ of each parameter's gradient. */
  readonly gradient: number;
  /** 1 − cosine of each parameter's gradient. */
  readonly gradientCosine: number;
  /** Log-probabilities of real checkpoints, whose sums are longer. */
  readonly chatLogprobs: number;
  readonly metrics: number;
}

/** For float32 against float32 references of the CPU. */
export const float32Bounds: Bounds = {
  greedy: 0,
  logits: 1e-4,
  logprobs: 1e-4,
  values: 1e-5,
  loss: 1e-5,
  advantages: 1e-6,
  gradient: 1e-4,
  gradientCosine: 1e-5,
  chatLogprobs: 1e-3,
  metrics: 1e-9,
};

/** For 16-bit numbers against float32 references: directions of gradients are judged, what rounding does to the rest is stated. */
const halfBounds = (gradientCosine: number, rounding: number): Bounds => ({
  greedy: 1000,
  logits: 64 * rounding,
  logprobs: 64 * rounding,
  values: 64 * rounding,
  loss: 16 * rounding,
  advantages: float32Bounds.advantages,
  gradient: Math.sqrt(2 * gradientCosine) * 2,
  gradientCosine,
  chatLogprobs: 256 * rounding,
  metrics: float32Bounds.metrics,
});

export const boundsOf: { readonly [K in Precision]: Bounds } = {
  float32: float32Bounds,
  float16: halfBounds(1e-3, 2 ** -11),
  bfloat16: halfBounds(1e-2, 2 ** -8),
};
