import * as o from "../../onnx/operators.js";
import type { Value } from "../../onnx/value.js";
import type { Precision } from "./precision.js";

/** Added to the score of what must not be seen. Finite, so that a row that sees nothing stays finite. */
export const hidden: { readonly [K in Precision]: number } = { float32: -1e9, bfloat16: -1e9, float16: -3e4 };

/** 0 where allowed, a large negative number elsewhere. */
export function additiveMask(allowed: Value, dtype: Precision): Value {
  return o.cast(o.where(allowed, 0, hidden[dtype]), dtype);
}

/** Additive mask [rows, columns] from positions [rows] and [columns]: a row sees its own position and those before it. */
export function causalMask(rows: Value, columns: Value, dtype: Precision): Value {
  const [r, c] = [o.reshape(rows, [rows.shape[0]!, 1]), o.reshape(columns, [1, columns.shape[0]!])];
  return additiveMask(o.lessOrEqual(c, r), dtype);
}
