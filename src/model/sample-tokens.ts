import { multiplyDims } from "../onnx/dimension.js";
import * as o from "../onnx/operators.js";
import type { Value } from "../onnx/value.js";

/** Keeps a draw strictly inside the mass that it falls into, against float32 rounding of the running sums. */
const INSIDE = 1 - 1e-5;

/** Cold enough that only the largest logit is left, and float32's nearest neighbour of it has no part. */
const GREEDY_TEMPERATURE = 1e-7;

/**
 * One token per row by inverse CDF: logits [rows, V], uniforms [rows] in [0, 1), temperatures [rows]; temperature 0 takes the largest logit.
 * The CDF is walked in two levels, block sums and then inside the block, so that it costs about one pass over the logits.
 * Returns tokens [rows] and their log-probabilities at temperature 1.
 */
export function sampleTokens(
  logits: Value,
  uniforms: Value,
  temperatures: Value,
): { readonly tokens: Value; readonly logprobs: Value } {
  const [rows, vocabulary] = [logits.shape[0]!, logits.shape[1] as number];
  const size = blockSize(vocabulary);
  const blocks = vocabulary / size;
  const column = (x: Value) => o.reshape(x, [rows, 1]);
  const greedy = o.equal(column(temperatures), 0);
  const divisor = o.where(greedy, GREEDY_TEMPERATURE, column(temperatures));
  const probabilities = o.softmax(o.div(logits, divisor));
  const sums = o.reduceSum(o.reshape(probabilities, [rows, blocks, size]), [-1]);
  const running = o.cumSum(sums);
  const target = o.mul(o.where(greedy, 0.5, column(uniforms)), o.mul(o.reduceSum(sums, [-1], true), INSIDE));
  const block = firstAbove(running, target, blocks);
  const before = o.sub(o.gatherElements(running, block), o.gatherElements(sums, block));
  const blockRows = o.add(o.mul(o.reshape(o.range(rows), [rows, 1]), blocks), block);
  const flat = o.reshape(probabilities, [multiplyDims(rows, blocks), size]);
  const inside = o.reshape(o.gather(flat, o.reshape(blockRows, [rows])), [rows, size]);
  const limit = o.mul(o.reduceSum(inside, [-1], true), INSIDE);
  const rest = o.min(o.max(o.sub(target, before), 0), limit);
  const tokens = o.add(o.mul(block, size), firstAbove(o.cumSum(inside), rest, size));
  return {
    tokens: o.reshape(tokens, [rows]),
    logprobs: o.reshape(o.gatherElements(o.logSoftmax(logits), tokens), [rows]),
  };
}

/** Index [rows, 1] of the first of `count` running sums that is above the target. */
function firstAbove(running: Value, target: Value, count: number): Value {
  // Counted in float32, which is exact here: CUDA's sums of integers need cuDNN.
  const passed = o.reduceSum(o.where(o.lessOrEqual(running, target), 1, 0), [-1], true);
  return o.cast(o.min(passed, count - 1), "int64");
}

/** The divisor of the vocabulary's size that is nearest to its square root. */
function blockSize(vocabulary: number): number {
  let best = 1;
  for (let size = 1; size * size <= vocabulary; size++) if (vocabulary % size === 0) best = size;
  return best;
}
