import { type Dim, multiplyDims } from "../onnx/dimension.js";
import * as o from "../onnx/operators.js";
import type { Value } from "../onnx/value.js";
import type { DecoderConfig } from "./config.js";

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

/** Added to the score of what must not be seen. Finite, so that a row that sees nothing stays finite. */
const HIDDEN = -1e9;

/** 0 where allowed, a large negative number elsewhere. */
export function additiveMask(allowed: Value): Value {
  return o.where(allowed, 0, HIDDEN);
}

/** Additive mask [rows, columns] from positions [rows] and [columns]: a row sees its own position and those before it. */
export function causalMask(rows: Value, columns: Value): Value {
  const [r, c] = [o.reshape(rows, [rows.shape[0]!, 1]), o.reshape(columns, [1, columns.shape[0]!])];
  return additiveMask(o.lessOrEqual(c, r));
}

/** Heads of prompt rows [B·P, keyValueHeads · headSize] to [B, keyValueHeads, P, headSize]. */
export function promptHeads(x: Value, batch: Dim, length: Dim, { keyValueHeads, headSize }: HeadCounts): Value {
  return o.transpose(o.reshape(x, [batch, length, keyValueHeads, headSize]), [0, 2, 1, 3]);
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

/**
 * Prompt tokens attend to their prompt. queries [B·P, heads · headSize], context of length C (P, or P after a cached past),
 * mask [P, C]; returns [B·P, heads · headSize]. Query heads that share a key head (grouped-query attention) are rows of one product.
 */
export function attendWithinPrompt(
  queries: Value,
  context: KeyValues,
  mask: Value,
  batch: Dim,
  counts: HeadCounts,
): Value {
  const { heads, keyValueHeads, headSize } = counts;
  const shared = heads / keyValueHeads;
  const [rows, columns] = [mask.shape[0]!, mask.shape[1]!];
  const grouped = o.transpose(o.reshape(queries, [batch, rows, keyValueHeads, shared, headSize]), [0, 2, 3, 1, 4]);
  const q = o.reshape(grouped, [batch, keyValueHeads, multiplyDims(shared, rows), headSize]);
  const scores = o.matmul(q, context.keys, { transposeB: true, alpha: headSize ** -0.5 });
  const masked = o.add(o.reshape(scores, [batch, keyValueHeads, shared, rows, columns]), mask);
  const weights = o.reshape(o.softmax(masked), scores.shape);
  const mixed = o.reshape(o.matmul(weights, context.values), [batch, keyValueHeads, shared, rows, headSize]);
  return o.reshape(o.transpose(mixed, [0, 3, 1, 2, 4]), [multiplyDims(batch, rows), heads * headSize]);
}

export interface ResponseShape {
  readonly batch: Dim;
  readonly group: Dim;
  /** Query rows of each response. */
  readonly rows: Dim;
}

/**
 * Response tokens attend to their prompt, which the group shares, and to their own response. queries [B·G·rows, heads · headSize];
 * contextMask [B, 1, 1, C] hides the prompt's padding; ownMask [rows, own length] or undefined where all is visible.
 */
export function attendFromResponse(
  queries: Value,
  context: KeyValues,
  own: KeyValues,
  masks: { readonly context: Value; readonly own: Value | undefined },
  { batch, group, rows }: ResponseShape,
  counts: HeadCounts,
): Value {
  const { heads, keyValueHeads, headSize } = counts;
  const shared = heads / keyValueHeads;
  const alpha = headSize ** -0.5;
  const ownLength = own.keys.shape[3]!;
  const contextLength = context.keys.shape[2]!;
  const perGroup = multiplyDims(shared, rows);
  const all = multiplyDims(group, perGroup);
  const q = o.transpose(o.reshape(queries, [batch, group, rows, keyValueHeads, shared, headSize]), [0, 3, 1, 4, 2, 5]);
  const qContext = o.reshape(q, [batch, keyValueHeads, all, headSize]);
  const qOwn = o.reshape(q, [batch, keyValueHeads, group, perGroup, headSize]);
  const contextScores = o.add(o.matmul(qContext, context.keys, { transposeB: true, alpha }), masks.context);
  const rawScores = o.matmul(qOwn, own.keys, { transposeB: true, alpha });
  const ownScores =
    masks.own === undefined
      ? rawScores
      : o.add(o.reshape(rawScores, [batch, keyValueHeads, group, shared, rows, ownLength]), masks.own);
  const joined = o.concat([contextScores, o.reshape(ownScores, [batch, keyValueHeads, all, ownLength])], -1);
  const [onContext, onOwn] = o.split(o.softmax(joined), [contextLength, ownLength], -1);
  const fromContext = o.matmul(onContext!, context.values);
  const fromOwn = o.matmul(o.reshape(onOwn!, [batch, keyValueHeads, group, perGroup, ownLength]), own.values);
  const mixed = o.add(fromContext, o.reshape(fromOwn, fromContext.shape));
  const rowsFirst = o.transpose(
    o.reshape(mixed, [batch, keyValueHeads, group, shared, rows, headSize]),
    [0, 2, 4, 1, 3, 5],
  );
  return o.reshape(rowsFirst, [multiplyDims(batch, group, rows), heads * headSize]);
}

/** Appends `next` to `past` along the length axis. */
export function appendKeyValues(past: KeyValues, next: KeyValues): KeyValues {
  const axis = past.keys.shape.length - 2;
  return { keys: o.concat([past.keys, next.keys], axis), values: o.concat([past.values, next.values], axis) };
}
