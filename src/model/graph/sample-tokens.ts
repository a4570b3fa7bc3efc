import * as o from "../../onnx/operators.js";
import { constant, type Value } from "../../onnx/value.js";

/** Keeps a draw strictly inside the mass that it falls into, against float32 rounding of the running sums. */
const INSIDE = 1 - 1e-5;

/** Cold enough that only the largest logit is left, and float32's nearest neighbour of it has no part. */
const GREEDY_TEMPERATURE = 1e-7;

/** What sampling needs of uniforms [..., rows] in [0, 1) and temperatures [rows], where 0 is greedy: the same for all steps. */
export interface Draws {
  /** Where each draw falls in the distribution function: the shape of the uniforms. */
  readonly targets: Value;
  /** [rows, 1] */
  readonly divisors: Value;
}

export function sampleDraws(uniforms: Value, temperatures: Value): Draws {
  const greedy = o.equal(temperatures, 0);
  const divisors = o.max(temperatures, GREEDY_TEMPERATURE);
  return {
    targets: o.mul(o.where(greedy, 0.5, uniforms), INSIDE),
    divisors: o.reshape(divisors, [temperatures.shape[0]!, 1]),
  };
}

/**
 * One token per row by inverse CDF: logits [rows, V], targets and divisors [rows, 1] of `sampleDraws`. The CDF is walked in two levels, block
 * sums and then inside the block. Returns tokens [rows, 1] and their log-probabilities at temperature 1.
 */
export function sampleTokens(
  logits: Value,
  { targets, divisors }: Draws,
): { readonly tokens: Value; readonly logprobs: Value } {
  const [rows, vocabulary] = [logits.shape[0]!, logits.shape[1] as number];
  const size = blockSize(vocabulary);
  const probabilities = o.softmax(o.div(logits, divisors));
  const before = o.cumSum(o.reduceSum(o.reshape(probabilities, [rows, vocabulary / size, size]), [-1]));
  const block = lastWithin(before, targets);
  const start = o.mul(block, size);
  const inside = o.gatherElements(probabilities, o.add(start, o.range(size)));
  const limit = o.mul(o.reduceSum(inside, [-1], true), INSIDE);
  const rest = o.min(o.sub(targets, o.gatherElements(before, block)), limit);
  const tokens = o.add(start, lastWithin(o.cumSum(inside), rest));
  return { tokens, logprobs: o.gatherElements(o.logSoftmax(logits), tokens) };
}

/** Index [rows, 1] of the last number that is not above the target [rows, 1]: numbers [rows, n] ascend from 0, targets are not negative. */
function lastWithin(ascending: Value, target: Value): Value {
  const count = ascending.shape[1] as number;
  // Each but the first counts 1, in float32, which is exact here: CUDA's sums of integers need cuDNN.
  const ones = constant("float32", [count], new Float32Array(count).fill(1, 1));
  return o.cast(o.reduceSum(o.where(o.lessOrEqual(ascending, target), ones, 0), [-1], true), "int64");
}

/** The divisor of the vocabulary's size that is nearest to its square root. */
function blockSize(vocabulary: number): number {
  let best = 1;
  for (let size = 1; size * size <= vocabulary; size++) if (vocabulary % size === 0) best = size;
  return best;
}
