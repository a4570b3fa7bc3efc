import { type Dim, multiplyDims } from "../../onnx/dimension.js";
import * as o from "../../onnx/operators.js";
import type { Value } from "../../onnx/value.js";
import type { DecoderConfig } from "../checkpoint/config.js";

/** Rows of queries [rows, heads · headSize], keys and values [rows, keyValueHeads · headSize]. */
export interface Projections {
  readonly queries: Value;
  readonly keys: Value;
  readonly values: Value;
}

/** Keys and values of one layer: [B, keyValueHeads, length, headSize] for prompts, [B, keyValueHeads, G, length, headSize] for responses. */
export interface KeyValues {
  readonly keys: Value;
  readonly values: Value;
}

export type HeadCounts = Pick<DecoderConfig, "heads" | "keyValueHeads" | "headSize">;

/** Heads of prompt rows [B·P, keyValueHeads · headSize] to [B, keyValueHeads, P, headSize]. */
export function promptHeads(x: Value, batch: Dim, length: Dim, { keyValueHeads, headSize }: HeadCounts): Value {
  return o.transpose(o.reshape(x, [batch, length, keyValueHeads, headSize]), [0, 2, 1, 3]);
}

/** The way back from `promptHeads`. */
export function promptRows(x: Value): Value {
  const [batch, keyValueHeads, length, headSize] = x.shape as [Dim, number, Dim, number];
  return o.reshape(o.transpose(x, [0, 2, 1, 3]), [multiplyDims(batch, length), keyValueHeads * headSize]);
}

/** Heads of response rows [B·G·R, keyValueHeads · headSize] to [B, keyValueHeads, G, R, headSize]. */
export function responseHeads(
  x: Value,
  batch: Dim,
  group: Dim,
  length: Dim,
  { keyValueHeads, headSize }: HeadCounts,
): Value {
  return o.transpose(o.reshape(x, [batch, group, length, keyValueHeads, headSize]), [0, 3, 1, 2, 4]);
}

/** The way back from `responseHeads`. */
export function responseRows(x: Value): Value {
  const [batch, keyValueHeads, group, length, headSize] = x.shape as [Dim, number, Dim, Dim, number];
  return o.reshape(o.transpose(x, [0, 2, 3, 1, 4]), [multiplyDims(batch, group, length), keyValueHeads * headSize]);
}

/** Query rows [B·P, heads · headSize] to [B, keyValueHeads, shared · P, headSize]: heads that share a key head are rows of one product. */
export function promptQueries(x: Value, batch: Dim, rows: Dim, { heads, keyValueHeads, headSize }: HeadCounts): Value {
  const shared = heads / keyValueHeads;
  const grouped = o.transpose(o.reshape(x, [batch, rows, keyValueHeads, shared, headSize]), [0, 2, 3, 1, 4]);
  return o.reshape(grouped, [batch, keyValueHeads, multiplyDims(shared, rows), headSize]);
}

/** The way back from `promptQueries`. */
export function promptQueryRows(
  x: Value,
  batch: Dim,
  rows: Dim,
  { heads, keyValueHeads, headSize }: HeadCounts,
): Value {
  const mixed = o.reshape(x, [batch, keyValueHeads, heads / keyValueHeads, rows, headSize]);
  return o.reshape(o.transpose(mixed, [0, 3, 1, 2, 4]), [multiplyDims(batch, rows), heads * headSize]);
}

/** Attention weights [B, keyValueHeads, shared · P, C] of queries as `promptQueries` gives them; mask [P, C]. */
export function promptWeights(q: Value, keys: Value, mask: Value, { heads, headSize }: HeadCounts): Value {
  const scores = o.matmul(q, keys, { transposeB: true, alpha: headSize ** -0.5 });
  // Kernels broadcast along one axis with fewer divisions per number than along several.
  const flat = multiplyDims(...mask.shape);
  const perHead = [multiplyDims(q.shape[0]!, heads), flat];
  return o.softmax(o.reshape(o.add(o.reshape(scores, perHead), o.reshape(mask, [flat])), scores.shape));
}

/**
 * Prompt tokens attend to their prompt. queries [B·P, heads · headSize], context of length C (P, or P after a cached past),
 * mask [P, C]; returns [B·P, heads · headSize].
 */
export function attendWithinPrompt(
  queries: Value,
  context: KeyValues,
  mask: Value,
  batch: Dim,
  counts: HeadCounts,
): Value {
  const rows = mask.shape[0]!;
  const q = promptQueries(queries, batch, rows, counts);
  const weights = promptWeights(q, context.keys, mask, counts);
  return promptQueryRows(o.matmul(weights, context.values), batch, rows, counts);
}

export interface ResponseShape {
  readonly batch: Dim;
  readonly group: Dim;
  /** Query rows of each response. */
  readonly rows: Dim;
}

/** What hides tokens from responses: contextMask [B, 1, 1, C] the prompt's padding; own [rows, own length], undefined where all is visible. */
export interface ResponseMasks {
  readonly context: Value;
  readonly own: Value | undefined;
}

/** Query rows [B·G·R, heads · headSize] to [B, keyValueHeads, G · shared · R, headSize]. */
export function responseQueries(x: Value, { batch, group, rows }: ResponseShape, counts: HeadCounts): Value {
  const { heads, keyValueHeads, headSize } = counts;
  const shared = heads / keyValueHeads;
  const q = o.transpose(o.reshape(x, [batch, group, rows, keyValueHeads, shared, headSize]), [0, 3, 1, 4, 2, 5]);
  return o.reshape(q, [batch, keyValueHeads, multiplyDims(group, shared, rows), headSize]);
}

/** The way back from `responseQueries`. */
export function responseQueryRows(x: Value, { batch, group, rows }: ResponseShape, counts: HeadCounts): Value {
  const { heads, keyValueHeads, headSize } = counts;
  const mixed = o.reshape(x, [batch, keyValueHeads, group, heads / keyValueHeads, rows, headSize]);
  return o.reshape(o.transpose(mixed, [0, 2, 4, 1, 3, 5]), [multiplyDims(batch, group, rows), heads * headSize]);
}

/** [B, keyValueHeads, G · shared · R, n] to [B, keyValueHeads, G, shared · R, n], each response by itself. */
export function perResponse(x: Value, { group, rows }: ResponseShape, { heads, keyValueHeads }: HeadCounts): Value {
  const [batch, count, , width] = x.shape as [Dim, number, Dim, Dim];
  return o.reshape(x, [batch, count, group, multiplyDims(heads / keyValueHeads, rows), width]);
}

/** Scores [B, keyValueHeads, all, C] of response queries on the context's keys. */
function contextScores(q: Value, context: Value, mask: Value, { headSize }: HeadCounts): Value {
  return o.add(o.matmul(q, context, { transposeB: true, alpha: headSize ** -0.5 }), mask);
}

/**
 * Attention weights of response queries, on the context [B, keyValueHeads, all, C], given their scores there, and on their own tokens
 * [B, keyValueHeads, all, own length].
 */
function responseWeights(
  q: Value,
  onContext: Value,
  own: Value,
  ownMask: Value | undefined,
  shape: ResponseShape,
  counts: HeadCounts,
): readonly [Value, Value] {
  const { heads, keyValueHeads, headSize } = counts;
  const alpha = headSize ** -0.5;
  const [contextLength, ownLength, all] = [onContext.shape[3]!, own.shape[3]!, q.shape[2]!];
  const rawScores = o.matmul(perResponse(q, shape, counts), own, { transposeB: true, alpha });
  const perHead = [shape.batch, keyValueHeads, shape.group, heads / keyValueHeads, shape.rows, ownLength];
  const ownScores = ownMask === undefined ? rawScores : o.add(o.reshape(rawScores, perHead), ownMask);
  const joined = o.concat([onContext, o.reshape(ownScores, [shape.batch, keyValueHeads, all, ownLength])], -1);
  const [contextWeights, ownWeights] = o.split(o.softmax(joined), [contextLength, ownLength], -1);
  return [contextWeights!, ownWeights!];
}

/**
 * Response tokens attend to their prompt, which the group shares, and to their own response.
 * queries [B·G·rows, heads · headSize] to the same shape.
 */
export function attendFromResponse(
  queries: Value,
  context: KeyValues,
  own: KeyValues,
  masks: ResponseMasks,
  shape: ResponseShape,
  counts: HeadCounts,
): Value {
  const q = responseQueries(queries, shape, counts);
  const scores = contextScores(q, context.keys, masks.context, counts);
  const [onContext, onOwn] = responseWeights(q, scores, own.keys, masks.own, shape, counts);
  const fromContext = o.matmul(onContext, context.values);
  const fromOwn = o.matmul(perResponse(onOwn, shape, counts), own.values);
  return responseQueryRows(o.add(fromContext, o.reshape(fromOwn, fromContext.shape)), shape, counts);
}

/** Appends `next` to `past` along the length axis. */
export function appendKeyValues(past: KeyValues, next: KeyValues): KeyValues {
  const axis = past.keys.shape.length - 2;
  return { keys: o.concat([past.keys, next.keys], axis), values: o.concat([past.values, next.values], axis) };
}
