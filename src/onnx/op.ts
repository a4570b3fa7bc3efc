import { EngineError } from "../errors.js";
import { addDims, type Dim, multiplyDims, printShape, type Shape, sameShape } from "./dimension.js";
import type { DType, Value } from "./value.js";

/** The operators of the compiler, with their attributes. A new operator is a row here, in `ops`, in `gradientRules` and in `lowerings`. */
export interface OpAttributes {
  Neg: NoAttributes;
  Exp: NoAttributes;
  Log: NoAttributes;
  Sqrt: NoAttributes;
  Sigmoid: NoAttributes;
  /** The error function, as exact GELU needs it. */
  Erf: NoAttributes;
  /** (gate, up) to gate · sigmoid(gate) · up, of one shape (SwiGLU). */
  Gated: NoAttributes;
  Cos: NoAttributes;
  Sin: NoAttributes;
  Not: NoAttributes;
  Add: NoAttributes;
  Sub: NoAttributes;
  Mul: NoAttributes;
  Div: NoAttributes;
  Min: NoAttributes;
  Max: NoAttributes;
  Equal: NoAttributes;
  Less: NoAttributes;
  LessOrEqual: NoAttributes;
  Or: NoAttributes;
  /** (condition, whenTrue, whenFalse), broadcast. */
  Where: NoAttributes;
  Cast: { readonly to: DType };
  /** alpha · a · b over the last two axes, each optionally transposed; leading axes broadcast. */
  MatMul: { readonly transposeA: boolean; readonly transposeB: boolean; readonly alpha: number };
  ReduceSum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  /** Over the last axis. */
  Softmax: NoAttributes;
  LogSoftmax: NoAttributes;
  /** What stands before each number of the last axis, summed. */
  CumSum: NoAttributes;
  Reshape: { readonly shape: Shape };
  Transpose: { readonly permutation: readonly number[] };
  Expand: { readonly shape: Shape };
  Concat: { readonly axis: number };
  Split: { readonly axis: number; readonly sizes: readonly Dim[] };
  /** The one of `Split`'s parts that has this index. */
  Part: { readonly axis: number; readonly sizes: readonly Dim[]; readonly index: number };
  /** (table [V, …rest], indices [...i]) to [...i, …rest]. */
  Gather: NoAttributes;
  /** (x [..., V], indices [..., K]) to [..., K], along the last axis. */
  GatherElements: NoAttributes;
  /** Adjoint of `Gather`: (rows [...i, …rest], indices [...i]) summed into [size, …rest]. */
  ScatterAddRows: { readonly size: Dim };
  /** Adjoint of `GatherElements`: (updates [..., K], indices [..., K]) summed into [..., size]. */
  ScatterAddElements: { readonly size: Dim };
  /** (x [..., d], weight [d]) to (x / rms(x) · weight, 1 / rms(x) [..., 1]); rms over the last axis. */
  RmsNorm: { readonly epsilon: number };
  /** (x [rows, heads · headSize], positions [rows], cos [length, headSize / 2], sin likewise), rotating halves (RoFormer, as in Llama). */
  RotaryEmbedding: { readonly heads: number };
  /** (a, b, weight [d]) to (RmsNorm(a + b), a + b): a residual and its norm in one kernel. Has no gradient. */
  SkipRmsNorm: { readonly epsilon: number };
  /**
   * Causal attention of packed rows on their own cache, with rotary positions. (rows [B, S, (heads + 2 · keyValueHeads) · headSize],
   * int32 lengths [B] of the cache before these rows plus S - 1, int32 length M of the cache's buffer or S without one,
   * cos, sin [length, headSize / 2], and where there is a past, its keys and values [B, keyValueHeads, M, headSize])
   * to (mixed [B, S, heads · headSize], present keys, present values). Has no gradient.
   */
  GroupQueryAttention: { readonly heads: number; readonly keyValueHeads: number; readonly headSize: number };
  /**
   * Causal attention within each row's own tokens: (queries [B, S, heads · headSize], keys, values [B, S, keyValueHeads · headSize],
   * int32 lengths [B] less 1, int32 S) to (mixed [B, S, heads · headSize], keys and values in heads [B, keyValueHeads, S, headSize]).
   * Has no gradient.
   */
  CausalAttention: { readonly heads: number; readonly keyValueHeads: number };
  /**
   * Causal attention of rows that continue a past: (queries [B, S, heads · width], keys, values [B, S, keyValueHeads · width],
   * past keys, past values [B, keyValueHeads, C, width]) to mixed [B, S, heads · width]. Scores are multiplied by `scale`. Has no gradient.
   */
  ContinuedAttention: { readonly heads: number; readonly keyValueHeads: number; readonly scale: number };
  /** 0, 1, …, size - 1 as int64. */
  Range: { readonly size: Dim };
  /** (length), int64 of rank 0, to 0, 1, …, length - 1: its length is known only when the graph runs, and named `size`. */
  OpenRange: { readonly size: string };
  /** A dimension's extent, int64, rank 0. */
  Extent: { readonly size: Dim };
  /** (x, signal): x, computed only after the signal is known. Orders recomputation after the forward pass. */
  After: NoAttributes;
  /** x, as a constant to differentiation. */
  StopGradient: NoAttributes;
  /** (...inputs, output): output, whose part of the graph the backward pass computes anew from the inputs. */
  Recompute: { readonly body: (inputs: readonly Value[]) => Value };
  /** (...inputs, ...outputs) to the outputs, whose gradient the rule gives instead of the operators that made them. */
  CustomGradient: { readonly count: number; readonly rule: CustomRule };
  /** (maximum trips, ...initial states) to (...final states, ...scans). */
  Loop: { readonly body: LoopBody };
}

export type NoAttributes = Readonly<Record<never, never>>;
export type OpName = keyof OpAttributes;

/** Gradients of the inputs (undefined: none) from the inputs, the outputs, and the outputs' gradients. */
export type CustomRule = (
  inputs: readonly Value[],
  outputs: readonly Value[],
  gradients: readonly (Value | undefined)[],
) => readonly (Value | undefined)[];

/** One trip of a loop. Values from outside the body may be used freely; what does not depend on the body's inputs is computed once. */
export interface LoopBody {
  readonly iteration: Value;
  readonly states: readonly Value[];
  readonly proceed: Value;
  readonly nextStates: readonly Value[];
  /** Stacked along a new first axis named `trips`. */
  readonly scans: readonly Value[];
  readonly trips: string;
  /** Shapes of the final states, where they differ from those of the initial ones. */
  readonly finalShapes?: readonly Shape[];
}

export interface Inferred {
  readonly dtype: DType;
  readonly shape: Shape;
}

type Infer<K extends OpName> = (
  inputs: readonly Value[],
  attributes: OpAttributes[K],
  op: OpName,
) => readonly Inferred[];

const like: Infer<OpName> = ([x]) => [{ dtype: x!.dtype, shape: x!.shape }];

const elementwise: Infer<OpName> = ([a, b], _, op) => {
  if (a!.dtype !== b!.dtype) throw wrong(op, "operands of one type", `${a!.dtype} and ${b!.dtype}`);
  return [{ dtype: a!.dtype, shape: broadcast(op, a!.shape, b!.shape) }];
};

const comparison: Infer<OpName> = (inputs, attributes, op) => [
  { dtype: "bool", shape: elementwise(inputs, attributes, op)[0]!.shape },
];

function parts([x]: readonly Value[], { axis, sizes }: OpAttributes["Split"], op: OpName): readonly Inferred[] {
  checkAxis(op, x!, axis);
  if (addDims(...sizes) !== x!.shape[axis])
    throw wrong(op, `sizes that add up to ${x!.shape[axis]}`, sizes.join(" + "));
  return sizes.map((size) => ({ dtype: x!.dtype, shape: x!.shape.map((dim, i) => (i === axis ? size : dim)) }));
}

export const ops: { readonly [K in OpName]: Infer<K> } = {
  Neg: like,
  Exp: like,
  Log: like,
  Sqrt: like,
  Sigmoid: like,
  Erf: like,
  Gated: ([gate, up], _, op) => {
    if (gate!.dtype !== up!.dtype || !sameShape(gate!.shape, up!.shape)) {
      throw wrong(op, "two of one type and shape", describe([gate!, up!]));
    }
    return [{ dtype: gate!.dtype, shape: gate!.shape }];
  },
  Cos: like,
  Sin: like,
  Not: like,
  Add: elementwise,
  Sub: elementwise,
  Mul: elementwise,
  Div: elementwise,
  Min: elementwise,
  Max: elementwise,
  Equal: comparison,
  Less: comparison,
  LessOrEqual: comparison,
  Or: elementwise,
  Where: ([condition, a, b], _, op) => {
    if (condition!.dtype !== "bool") throw wrong(op, "a bool condition", condition!.dtype);
    const [branch] = elementwise([a!, b!], {}, op);
    return [{ dtype: branch!.dtype, shape: broadcast(op, condition!.shape, branch!.shape) }];
  },
  Cast: ([x], { to }) => [{ dtype: to, shape: x!.shape }],
  MatMul: ([a, b], { transposeA, transposeB }, op) => {
    if (a!.dtype !== b!.dtype) throw wrong(op, "operands of one type", `${a!.dtype} and ${b!.dtype}`);
    if (a!.shape.length < 2 || b!.shape.length < 2) throw wrong(op, "at least two axes", describe([a!, b!]));
    const [m, k] = lastTwo(a!.shape, transposeA);
    const [l, n] = lastTwo(b!.shape, transposeB);
    if (k !== l) throw wrong(op, "equal inner dimensions", `${describe([a!, b!])} (${k} and ${l})`);
    return [{ dtype: a!.dtype, shape: [...broadcast(op, a!.shape.slice(0, -2), b!.shape.slice(0, -2)), m, n] }];
  },
  ReduceSum: ([x], { axes, keepDims }, op) => {
    for (const axis of axes) checkAxis(op, x!, axis);
    const shape = x!.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    return [{ dtype: x!.dtype, shape: keepDims ? shape : x!.shape.filter((_, axis) => !axes.includes(axis)) }];
  },
  Softmax: like,
  LogSoftmax: like,
  CumSum: like,
  Reshape: ([x], { shape }, op) => {
    if (multiplyDims(...shape) !== multiplyDims(...x!.shape)) {
      throw wrong(op, `as many elements as ${printShape(shape)}`, printShape(x!.shape));
    }
    return [{ dtype: x!.dtype, shape }];
  },
  Transpose: ([x], { permutation }, op) => {
    if (
      [...permutation].sort((a, b) => a - b).some((axis, i) => axis !== i) ||
      permutation.length !== x!.shape.length
    ) {
      throw wrong(op, `a permutation of ${x!.shape.length} axes`, `[${permutation.join(", ")}]`);
    }
    return [{ dtype: x!.dtype, shape: permutation.map((axis) => x!.shape[axis]!) }];
  },
  Expand: ([x], { shape }, op) => {
    if (!sameShape(broadcast(op, x!.shape, shape), shape)) throw wrong(op, printShape(shape), printShape(x!.shape));
    return [{ dtype: x!.dtype, shape }];
  },
  Concat: (inputs, { axis }, op) => {
    const first = inputs[0]!;
    checkAxis(op, first, axis);
    for (const x of inputs) {
      const others = (shape: Shape) => shape.filter((_, i) => i !== axis);
      if (x.dtype !== first.dtype || !sameShape(others(x.shape), others(first.shape))) {
        throw wrong(op, `equal types and shapes but for axis ${axis}`, describe(inputs));
      }
    }
    const total = addDims(...inputs.map((x) => x.shape[axis]!));
    return [{ dtype: first.dtype, shape: first.shape.map((dim, i) => (i === axis ? total : dim)) }];
  },
  Split: parts,
  Part: (inputs, attributes, op) => [parts(inputs, attributes, op)[attributes.index]!],
  Gather: ([table, indices]) => [{ dtype: table!.dtype, shape: [...indices!.shape, ...table!.shape.slice(1)] }],
  GatherElements: ([x, indices], _, op) => {
    if (!sameShape(x!.shape.slice(0, -1), indices!.shape.slice(0, -1))) {
      throw wrong(op, "equal leading axes", describe([x!, indices!]));
    }
    return [{ dtype: x!.dtype, shape: indices!.shape }];
  },
  ScatterAddRows: ([rows, indices], { size }) => [
    { dtype: rows!.dtype, shape: [size, ...rows!.shape.slice(indices!.shape.length)] },
  ],
  ScatterAddElements: ([updates], { size }) => [
    { dtype: updates!.dtype, shape: [...updates!.shape.slice(0, -1), size] },
  ],
  RmsNorm: ([x, weight], _, op) => {
    if (!sameShape(weight!.shape, x!.shape.slice(-1)))
      throw wrong(op, `a weight of ${x!.shape.at(-1)}`, describe([x!, weight!]));
    return [
      { dtype: x!.dtype, shape: x!.shape },
      { dtype: x!.dtype === "float64" ? "float64" : "float32", shape: [...x!.shape.slice(0, -1), 1] },
    ];
  },
  RotaryEmbedding: ([x, positions, cos], { heads }, op) => {
    const half = cos!.shape.at(-1);
    if (
      x!.shape.length !== 2 ||
      typeof half !== "number" ||
      x!.shape[1] !== heads * half * 2 ||
      !sameShape(positions!.shape, x!.shape.slice(0, 1))
    ) {
      throw wrong(op, "x [rows, heads · headSize], positions [rows]", describe([x!, positions!, cos!]));
    }
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  SkipRmsNorm: ([a, b, weight], _, op) => {
    if (!sameShape(a!.shape, b!.shape) || !sameShape(weight!.shape, a!.shape.slice(-1))) {
      throw wrong(op, "two equal shapes and a weight of their last axis", describe([a!, b!, weight!]));
    }
    return [
      { dtype: a!.dtype, shape: a!.shape },
      { dtype: a!.dtype, shape: a!.shape },
    ];
  },
  GroupQueryAttention: ([packed, , , , , keys], { heads, keyValueHeads, headSize }, op) => {
    const [batch, rows, width] = packed!.shape as [Dim, Dim, Dim];
    if (packed!.shape.length !== 3 || width !== (heads + 2 * keyValueHeads) * headSize) {
      throw wrong(op, "packed queries, keys and values", describe([packed!]));
    }
    const dtype = packed!.dtype;
    const cache = { dtype, shape: keys?.shape ?? [batch, keyValueHeads, rows, headSize] };
    return [{ dtype, shape: [batch, rows, heads * headSize] }, cache, cache];
  },
  CausalAttention: ([queries, keys, values], { heads, keyValueHeads }, op) => {
    const [width, narrow] = [queries!.shape[2], keys!.shape[2]];
    if (
      typeof width !== "number" ||
      narrow !== (width / heads) * keyValueHeads ||
      !sameShape(keys!.shape, values!.shape)
    ) {
      throw wrong(op, "queries, keys and values of one head size", describe([queries!, keys!, values!]));
    }
    const [dtype, [batch, rows]] = [queries!.dtype, queries!.shape as [Dim, Dim]];
    const inHeads = { dtype, shape: [batch, keyValueHeads, rows, width / heads] };
    return [{ dtype, shape: queries!.shape }, inHeads, inHeads];
  },
  ContinuedAttention: ([queries, keys, values, pastKeys, pastValues], { keyValueHeads }, op) => {
    const width = pastKeys!.shape[3];
    const matches =
      typeof width === "number" &&
      keys!.shape[2] === width * keyValueHeads &&
      sameShape(keys!.shape, values!.shape) &&
      sameShape(pastKeys!.shape, pastValues!.shape);
    if (!matches) {
      throw wrong(op, "keys and values of one width", describe([queries!, keys!, values!, pastKeys!, pastValues!]));
    }
    return [{ dtype: queries!.dtype, shape: queries!.shape }];
  },
  Range: (_, { size }) => [{ dtype: "int64", shape: [size] }],
  OpenRange: (_, { size }) => [{ dtype: "int64", shape: [size] }],
  Extent: () => [{ dtype: "int64", shape: [] }],
  After: like,
  StopGradient: like,
  Recompute: (inputs) => {
    const output = inputs.at(-1)!;
    return [{ dtype: output.dtype, shape: output.shape }];
  },
  CustomGradient: (inputs, { count }) =>
    inputs.slice(inputs.length - count).map(({ dtype, shape }) => ({ dtype, shape })),
  Loop: (inputs, { body }, op) => {
    const initial = inputs.slice(1);
    if (initial.length !== body.states.length || body.nextStates.length !== initial.length) {
      throw wrong(
        op,
        `${body.states.length} states`,
        `${initial.length} initial and ${body.nextStates.length} next ones`,
      );
    }
    return [
      ...initial.map((x, i) => ({ dtype: x.dtype, shape: body.finalShapes?.[i] ?? x.shape })),
      ...body.scans.map((x) => ({ dtype: x.dtype, shape: [body.trips, ...x.shape] })),
    ];
  },
};

/** NumPy's rule. Two different named dimensions never broadcast: which of them is 1 would be known only when the graph runs. */
function broadcast(op: OpName, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - (rank - a.length)] ?? 1;
    const y = b[i - (rank - b.length)] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw wrong(op, "shapes that broadcast", `${printShape(a)} and ${printShape(b)}`);
  });
}

function lastTwo(shape: Shape, transpose: boolean): [Dim, Dim] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return transpose ? [columns, rows] : [rows, columns];
}

function checkAxis(op: OpName, x: Value, axis: number): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= x.shape.length) {
    throw wrong(op, `an axis from 0 to ${x.shape.length - 1}`, String(axis));
  }
}

function describe(values: readonly Value[]): string {
  return values.map((v) => `${v.dtype}${printShape(v.shape)}`).join(", ");
}

function wrong(op: OpName, expected: string, found: string): EngineError {
  return new EngineError({
    what: "operands do not fit",
    where: `operator ${op}`,
    expected,
    found,
    remedy: "fix the call that builds this part of the graph",
  });
}
