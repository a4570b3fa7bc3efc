import { canonical, type Dim, type Shape, sameShape } from "./dimension.js";
import { type CustomRule, type LoopBody, type OpAttributes, type OpName, ops } from "./op.js";
import { type DType, type Node, scalar, type Value } from "./value.js";

/** Adds a node to the graph; shapes and types are checked and inferred. */
export function apply<K extends OpName>(
  op: K,
  inputs: readonly Value[],
  attributes: OpAttributes[K],
): readonly Value[] {
  const outputs: Value[] = [];
  const node: Node<K> = { op, inputs, attributes, outputs };
  ops[op](inputs, attributes, op).forEach(({ dtype, shape }, output) => {
    outputs.push({ dtype, shape, source: { kind: "node", node, output } });
  });
  return outputs;
}

/** A number stands for a rank-0 constant of the other operand's type. */
export type Operand = Value | number;

const unary = (op: "Neg" | "Exp" | "Log" | "Sqrt" | "Sigmoid" | "Erf" | "Cos" | "Sin" | "Not") => (x: Value) =>
  apply(op, [x], {})[0]!;

type BinaryName = "Add" | "Sub" | "Mul" | "Div" | "Min" | "Max" | "Equal" | "Less" | "LessOrEqual" | "Or";

const binary = (op: BinaryName) => (a: Value, b: Operand) =>
  apply(op, [a, typeof b === "number" ? scalar(b, a.dtype) : b], {})[0]!;

export const neg = unary("Neg");
export const exp = unary("Exp");
export const log = unary("Log");
export const sqrt = unary("Sqrt");
export const sigmoid = unary("Sigmoid");
export const erf = unary("Erf");
/** silu(gate) · up. */
export const gated = (gate: Value, up: Value): Value => apply("Gated", [gate, up], {})[0]!;
export const cos = unary("Cos");
export const sin = unary("Sin");
export const not = unary("Not");
export const add = binary("Add");
export const sub = binary("Sub");
export const mul = binary("Mul");
export const div = binary("Div");
export const min = binary("Min");
export const max = binary("Max");
export const equal = binary("Equal");
export const less = binary("Less");
export const lessOrEqual = binary("LessOrEqual");
export const or = binary("Or");

export function where(condition: Value, whenTrue: Operand, whenFalse: Operand): Value {
  const dtype =
    typeof whenTrue !== "number" ? whenTrue.dtype : typeof whenFalse !== "number" ? whenFalse.dtype : "float32";
  const value = (x: Operand) => (typeof x === "number" ? scalar(x, dtype) : x);
  return apply("Where", [condition, value(whenTrue), value(whenFalse)], {})[0]!;
}

export function cast(x: Value, to: DType): Value {
  return x.dtype === to ? x : apply("Cast", [x], { to })[0]!;
}

export interface MatMulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly alpha?: number;
}

export function matmul(
  a: Value,
  b: Value,
  { transposeA = false, transposeB = false, alpha = 1 }: MatMulOptions = {},
): Value {
  return apply("MatMul", [a, b], { transposeA, transposeB, alpha })[0]!;
}

/** Sums over the axes (negative ones count from the end; all by default). */
export function reduceSum(x: Value, axes: readonly number[] = x.shape.map((_, i) => i), keepDims = false): Value {
  return apply("ReduceSum", [x], { axes: axes.map((axis) => fromEnd(x, axis)), keepDims })[0]!;
}

export const softmax = (x: Value): Value => apply("Softmax", [x], {})[0]!;
export const logSoftmax = (x: Value): Value => apply("LogSoftmax", [x], {})[0]!;
export const cumSum = (x: Value): Value => apply("CumSum", [x], {})[0]!;

export function reshape(x: Value, target: Shape): Value {
  const shape = target.map(canonical);
  return sameShape(x.shape, shape) ? x : apply("Reshape", [x], { shape })[0]!;
}

export function transpose(x: Value, permutation: readonly number[]): Value {
  return apply("Transpose", [x], { permutation })[0]!;
}

export function expand(x: Value, target: Shape): Value {
  const shape = target.map(canonical);
  return sameShape(x.shape, shape) ? x : apply("Expand", [x], { shape })[0]!;
}

export function concat(inputs: readonly Value[], axis: number): Value {
  return inputs.length === 1 ? inputs[0]! : apply("Concat", inputs, { axis: fromEnd(inputs[0]!, axis) })[0]!;
}

export function split(x: Value, sizes: readonly Dim[], axis: number): readonly Value[] {
  return sizes.length === 1 ? [x] : apply("Split", [x], { axis: fromEnd(x, axis), sizes: sizes.map(canonical) });
}

/** One of the parts that `split` gives. */
export function part(x: Value, sizes: readonly Dim[], axis: number, index: number): Value {
  return apply("Part", [x], { axis: fromEnd(x, axis), sizes: sizes.map(canonical), index })[0]!;
}

export const gather = (table: Value, indices: Value): Value => apply("Gather", [table, indices], {})[0]!;
export const gatherElements = (x: Value, indices: Value): Value => apply("GatherElements", [x, indices], {})[0]!;

export function scatterAddRows(rows: Value, indices: Value, size: Dim): Value {
  return apply("ScatterAddRows", [rows, indices], { size })[0]!;
}

export function scatterAddElements(updates: Value, indices: Value, size: Dim): Value {
  return apply("ScatterAddElements", [updates, indices], { size })[0]!;
}

export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  return apply("RmsNorm", [x, weight], { epsilon })[0]!;
}

export function rotaryEmbedding(x: Value, positions: Value, cosines: Value, sines: Value, heads: number): Value {
  return apply("RotaryEmbedding", [x, positions, cosines, sines], { heads })[0]!;
}

/** RmsNorm(a + b) and a + b, without a gradient. */
export function skipRmsNorm(
  a: Value,
  b: Value,
  weight: Value,
  epsilon: number,
): { readonly normal: Value; readonly sum: Value } {
  const [normal, sum] = apply("SkipRmsNorm", [a, b, weight], { epsilon });
  return { normal: normal!, sum: sum! };
}

/** Fused attention on a cache, without a gradient; see `OpAttributes`. */
export function groupQueryAttention(
  packed: Value,
  at: { readonly lengths: Value; readonly total: Value; readonly cosines: Value; readonly sines: Value },
  past: { readonly keys: Value; readonly values: Value } | undefined,
  { heads, keyValueHeads, headSize }: OpAttributes["GroupQueryAttention"],
): { readonly mixed: Value; readonly keys: Value; readonly values: Value } {
  const inputs = [packed, at.lengths, at.total, at.cosines, at.sines, ...(past ? [past.keys, past.values] : [])];
  const [mixed, keys, values] = apply("GroupQueryAttention", inputs, { heads, keyValueHeads, headSize });
  return { mixed: mixed!, keys: keys!, values: values! };
}

/** Fused causal attention without a gradient; see `OpAttributes`. */
export function causalAttention(
  queries: Value,
  keys: Value,
  values: Value,
  at: { readonly lengths: Value; readonly total: Value },
  { heads, keyValueHeads }: OpAttributes["CausalAttention"],
): { readonly mixed: Value; readonly keys: Value; readonly values: Value } {
  const inputs = [queries, keys, values, at.lengths, at.total];
  const [mixed, keysInHeads, valuesInHeads] = apply("CausalAttention", inputs, { heads, keyValueHeads });
  return { mixed: mixed!, keys: keysInHeads!, values: valuesInHeads! };
}

/** Fused causal attention of rows that continue a past, without a gradient; see `OpAttributes`. */
export function continuedAttention(
  queries: Value,
  own: { readonly keys: Value; readonly values: Value },
  past: { readonly keys: Value; readonly values: Value },
  { heads, keyValueHeads, headSize }: OpAttributes["GroupQueryAttention"],
): Value {
  const inputs = [queries, own.keys, own.values, past.keys, past.values];
  return apply("ContinuedAttention", inputs, { heads, keyValueHeads, scale: headSize ** -0.5 })[0]!;
}

export const openRange = (length: Value, size: string): Value => apply("OpenRange", [length], { size })[0]!;

export const extent = (size: Dim): Value => apply("Extent", [], { size: canonical(size) })[0]!;

export const range = (size: Dim): Value => apply("Range", [], { size: canonical(size) })[0]!;

/** x, whose gradient ends here. */
export const stopGradient = (x: Value): Value => apply("StopGradient", [x], {})[0]!;

export const after = (x: Value, signal: Value): Value => apply("After", [x, signal], {})[0]!;

/** The outputs, with a gradient that `rule` builds from the inputs instead of the operators between. */
export function customGradient(
  inputs: readonly Value[],
  outputs: readonly Value[],
  rule: CustomRule,
): readonly Value[] {
  return apply("CustomGradient", [...inputs, ...outputs], { count: outputs.length, rule });
}

/**
 * body(inputs), with its intermediate results dropped after the forward pass and computed again in the backward pass
 * (gradient checkpointing, Chen et al. 2016). Whatever the gradient must reach has to be among the inputs.
 */
export function recompute(inputs: readonly Value[], body: (inputs: readonly Value[]) => Value): Value {
  return apply("Recompute", [...inputs, body(inputs)], { body })[0]!;
}

export function loop(maximumTrips: Value, initialStates: readonly Value[], body: LoopBody): readonly Value[] {
  return apply("Loop", [maximumTrips, ...initialStates], { body });
}

function fromEnd(x: Value, axis: number): number {
  return axis < 0 ? axis + x.shape.length : axis;
}
