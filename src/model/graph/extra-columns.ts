import * as o from "../../onnx/operators.js";
import { constant, type Value } from "../../onnx/value.js";
import { hidden } from "./attention-masks.js";
import type { Precision } from "./precision.js";

/** 16-bit matrix units multiply eight numbers at a time: heads grow by as many. */
export const EXTRA_COLUMNS = 8;

/**
 * Columns appended to heads, so that a product of queries and keys adds a mask, and one of gradients and values subtracts δ: a pass over
 * all attention weights less for each, since products are bound by neither. Each is zero but for its first column.
 */
export interface ExtraColumns {
  /** [8]: 1 in the first. */
  readonly one: Value;
  /** [8] */
  readonly none: Value;
  /** [8]: -1 in the first. */
  readonly minusOne: Value;
  /** [7]: the zeros beside a first column that is given. */
  readonly rest: Value;
  /** [B, 1, P, 8]: what hides a prompt's padding. */
  readonly hidden: Value;
}

/** float32 [8], zero but for its first number. */
export function extraRow(first: number): Value {
  const numbers = new Float32Array(EXTRA_COLUMNS);
  numbers[0] = first;
  return constant("float32", [EXTRA_COLUMNS], numbers);
}

/** `known` [B, 1, P, 1] is true for the tokens of a prompt, false for its padding. */
export function extraColumns(known: Value, dtype: Precision): ExtraColumns {
  const none = extraRow(0);
  return {
    one: o.cast(extraRow(1), dtype),
    none: o.cast(none, dtype),
    minusOne: o.cast(extraRow(-1), dtype),
    rest: o.cast(constant("float32", [EXTRA_COLUMNS - 1], new Float32Array(EXTRA_COLUMNS - 1)), dtype),
    hidden: o.cast(o.where(known, none, extraRow(hidden[dtype])), dtype),
  };
}

/** Extra columns spread over all other axes of x. */
export function spread(columns: Value, x: Value): Value {
  return o.expand(columns, [...x.shape.slice(0, -1), columns.shape.at(-1)!]);
}

/** Head sizes that the runtime's kernels of attention are compiled for. */
const KERNEL_WIDTHS = [32, 64, 96, 128, 192, 256];

/**
 * Width of a head with its extra columns, such that it rounds up to a kernel's. Where the runtime splits keys, which it does for few rows, it
 * makes room for the parts' results by the head's width rounded up to 32, whatever the width of the kernel that writes them.
 */
export function attentionWidth(headSize: number): number {
  const width = headSize + EXTRA_COLUMNS;
  const rounded = Math.ceil(width / 32) * 32;
  return KERNEL_WIDTHS.includes(rounded) ? width : rounded + EXTRA_COLUMNS;
}

/** x with extra columns after its last axis. */
export const widen = (x: Value, columns: Value): Value => o.concat([x, spread(columns, x)], -1);

/** Gradients [..., headSize] with δ [..., 1] beside them: a product with values that are widened by -1 subtracts δ. */
export const lessDelta = (gradients: Value, delta: Value, columns: ExtraColumns): Value =>
  o.concat([gradients, delta, spread(columns.rest, gradients)], -1);
