import { addDims, type Dim, multiplyDims } from "../../onnx/dimension.js";
import * as o from "../../onnx/operators.js";
import { scalar, type Value } from "../../onnx/value.js";
import * as a from "./attention.js";
import { causalMask } from "./attention-masks.js";
import { type ExtraColumns, lessDelta, widen } from "./extra-columns.js";
import type { Precision } from "./precision.js";
import type { AttendedRows } from "./prompt-gradient.js";

/**
 * What queries and keys are widened by, so that one product gives a response's scores on its prompt, its own tokens and one key of zeros,
 * masked: no pass to add a mask, and none to join the parts for the softmax and to part them again. The key of zeros, which nothing sees,
 * makes the axis even where lengths are.
 */
export interface ResponseColumns {
  /** [R, 1+R]: 1, then 1 at the row's own place. */
  readonly queries: Value;
  /** [B, 1, 1, P+1+R, 1+R]: what hides the prompt's padding, then what each of the rows must not see. */
  readonly keys: Value;
}

/** `hidden` [B, P, 1] is what hides a prompt's padding. */
export function responseColumns(hidden: Value, dtype: Precision): ResponseColumns {
  const zeros = (...shape: Dim[]) => o.expand(scalar(0, dtype), shape);
  const own = o.range("R");
  const isOwn = o.equal(o.reshape(own, ["R", 1]), o.reshape(own, [1, "R"]));
  const ones = o.expand(scalar(1, dtype), ["R", 1]);
  const mask = causalMask(own, o.range("1+R"), dtype);
  const onContext = o.concat([hidden, zeros("B", "P", "R")], 2);
  const onOwn = o.concat([zeros("1+R", 1), o.transpose(mask, [1, 0])], 1);
  const keys = o.concat([onContext, o.expand(o.reshape(onOwn, [1, "1+R", "1+R"]), ["B", "1+R", "1+R"])], 1);
  return {
    queries: o.concat([ones, o.cast(isOwn, dtype)], 1),
    keys: o.reshape(keys, ["B", 1, 1, keys.shape[1]!, "1+R"]),
  };
}

const sizes = ["P", "R", 1] as const;

/**
 * Attention's gradient of responses, as `promptGradient`'s: of queries [B·G·R, heads · headSize], of the context's keys and values
 * [B, keyValueHeads, P, headSize], and of their own [B, keyValueHeads, G, R, headSize].
 */
export function responseGradient(
  rows: AttendedRows,
  context: a.KeyValues,
  own: a.KeyValues,
  {
    counts,
    columns,
    responseColumns: extra,
  }: { readonly counts: a.HeadCounts; readonly columns: ExtraColumns; readonly responseColumns: ResponseColumns },
  shape: a.ResponseShape,
): { readonly queries: Value; readonly context: a.KeyValues; readonly own: a.KeyValues } {
  const { heads, keyValueHeads, headSize } = counts;
  const [alpha, shared] = [headSize ** -0.5, heads / keyValueHeads];
  const each: Dim[] = ["B", keyValueHeads, "G"];
  const length = addDims(...sizes);
  const inHeads = (x: Value, width: number) => a.responseQueries(x, shape, { heads, keyValueHeads, headSize: width });
  const perResponse = (x: Value) => a.perResponse(x, shape, counts);
  const all = (part: "keys" | "values") => {
    const one = o.reshape(context[part], ["B", keyValueHeads, 1, "P", headSize]);
    const none = o.expand(scalar(0, one.dtype), [...each, 1, headSize]);
    return o.concat([o.expand(one, [...each, "P", headSize]), own[part], none], 3);
  };

  const [queries, gradients] = [inHeads(rows.queries, headSize), inHeads(rows.gradients, headSize)];
  const [keys, values] = [all("keys"), all("values")];
  const perRow = o.reshape(queries, [...each, shared, "R", headSize]);
  const wideQueries = o.concat([perRow, o.expand(extra.queries, [...each, shared, "R", "1+R"])], 5);
  const wideKeys = o.concat([keys, o.expand(extra.keys, [...each, length, "1+R"])], 4);
  const flat = o.reshape(wideQueries, [...each, multiplyDims(shared, "R"), wideKeys.shape[4]!]);
  const weights = o.softmax(o.matmul(flat, wideKeys, { transposeB: true, alpha }));
  const shifted = perResponse(lessDelta(gradients, inHeads(rows.deltas, 1), columns));
  const scores = o.mul(weights, o.matmul(shifted, widen(values, columns.minusOne), { transposeB: true }));

  const onQueries = o.reshape(o.matmul(scores, keys, { alpha }), queries.shape);
  const onContext = (left: Value, right: Value, scale = 1) => {
    const ofGroup = o.reshape(left, ["B", keyValueHeads, queries.shape[2]!, length]);
    return o.part(o.matmul(ofGroup, right, { transposeA: true, alpha: scale }), sizes, 2, 0);
  };
  const onOwn = (left: Value, right: Value, scale = 1) =>
    o.matmul(o.part(left, sizes, 4, 1), perResponse(right), { transposeA: true, alpha: scale });
  return {
    queries: a.responseQueryRows(onQueries, shape, counts),
    context: { keys: onContext(scores, queries, alpha), values: onContext(weights, gradients) },
    own: { keys: onOwn(scores, queries, alpha), values: onOwn(weights, gradients) },
  };
}
