import type { Shape } from "../../src/onnx/dimension.js";
import type { OpName } from "../../src/onnx/op.js";
import * as o from "../../src/onnx/operators.js";
import { apply } from "../../src/onnx/operators.js";
import { input, scalar, type Value } from "../../src/onnx/value.js";
import { countOf, type GradientCase, type InputSpec, spread } from "./check-gradient.js";

/** A graph in which the output depends on `x` only by way of the operator, and no gradient may flow. */
export interface Opaque {
  readonly opaque: (x: Value) => Value;
}

let drawn = 0;
function real(shape: Shape, low = -1, high = 1): InputSpec {
  const count = countOf(shape);
  // Not a whole number of steps, so that no two inputs share a number.
  drawn += count + 0.37;
  return { kind: "real", shape, data: spread(count, low, high, drawn) };
}
const whole = (shape: Shape, data: readonly number[]): InputSpec => ({ kind: "int64", shape, data });
const flags = (shape: Shape): InputSpec => ({
  kind: "bool",
  shape,
  data: spread(countOf(shape), 0, 1, 5).map((x) => Number(x < 0.5)),
});

/** Inputs from which the extents of B and T can be read where no other input has them as an axis of its own. */
const readable: readonly InputSpec[] = [flags(["B"]), flags(["T"])];

function caseOf(inputs: readonly InputSpec[], build: GradientCase["build"], note = ""): GradientCase {
  const shapes = inputs.map(({ shape }) => `[${shape.join(", ")}]`).join(" ");
  return { title: note === "" ? shapes : `${shapes} ${note}`, inputs, build };
}

const unary = (build: (x: Value) => Value, low = -1, high = 1): GradientCase[] =>
  ([[2, 3], [], ["B", 1, 3], [1, 1], ["B*T+1"]] as Shape[]).map((shape) => caseOf([real(shape, low, high)], build));

const binary = (build: (a: Value, b: Value) => Value, low = -1, high = 1): GradientCase[] =>
  (
    [
      [
        [2, 3],
        [2, 3],
      ],
      [["B", 3], [3]],
      [
        [2, 1, 4],
        [3, 1],
      ],
      [[], ["B", "T"]],
      [
        ["B", 1, "T"],
        [1, 3, 1],
      ],
      [[1], [1, 1, 2]],
    ] as [Shape, Shape][]
  ).map(([a, b]) => caseOf([real(a, low, high), real(b, low, high)], build));

/** Along the last axis: [rows, 1] is the case in which the axis has nothing to add up. */
const rowwise = (build: (x: Value) => Value): GradientCase[] =>
  ([[3, 4], ["B", 1, 5], [2, 1], [4]] as Shape[]).map((shape) => caseOf([real(shape, -2, 2)], build));

const matmulShapes: [Shape, Shape][] = [
  [
    [2, 3],
    [3, 4],
  ],
  [
    [1, 3],
    [3, 1],
  ],
  [
    ["B", "T", 4],
    ["B", 4, 2],
  ],
  [
    ["B", 2, 3],
    [3, 4],
  ],
  [
    ["B", 1, 2, 3],
    [3, 3, 2],
  ],
  [
    [2, 3],
    ["B", 3, 1],
  ],
];

function matmuls(): GradientCase[] {
  const swap = (shape: Shape): Shape => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
  return [1, 0.5].flatMap((alpha) =>
    [false, true].flatMap((transposeA) =>
      [false, true].flatMap((transposeB) =>
        matmulShapes.map(([a, b]) =>
          caseOf(
            [real(transposeA ? swap(a) : a), real(transposeB ? swap(b) : b)],
            (x, y) => o.matmul(x, y, { transposeA, transposeB, alpha }),
            `${transposeA ? "A transposed " : ""}${transposeB ? "B transposed " : ""}alpha ${alpha}`,
          ),
        ),
      ),
    ),
  );
}

/** Two of the three parts of a split reach the output, and one of them twice. */
function splitThree(x: Value, sizes: Shape, axis: number): Value {
  const [first, , third] = o.split(x, sizes, axis);
  return o.concat([o.mul(first!, first!), third!], axis);
}

const rotary = (rows: number | string, positions: number[], heads: number, half: number, length: number) =>
  caseOf(
    [real([rows, heads * half * 2]), whole([rows], positions), real([length, half]), real([length, half])],
    // The tables are constants of the model: their gradients do not exist, so the check sees them as unreachable.
    (x, at, cosines, sines) => o.rotaryEmbedding(x, at, frozen(cosines), frozen(sines), heads),
    `${heads} heads`,
  );

/** A value through which no gradient flows and no difference is seen: rounded to whole sixteenths. */
const frozen = (x: Value): Value => o.mul(o.cast(o.cast(o.mul(x, 16), "int64"), x.dtype), 1 / 16);

/** Adds the step to the state twice. */
export function loopGraph(x: Value, step: Value = x): Value {
  const state = input("state", x.dtype, x.shape);
  const [final] = o.loop(scalar(2, "int64"), [x], {
    iteration: input("iteration", "int64", []),
    states: [state],
    proceed: scalar(1, "bool"),
    nextStates: [o.add(state, step)],
    scans: [],
    trips: "trips",
  });
  return final!;
}

/** One row per operator: exhaustive, so that an operator without a row does not compile. */
export const gradientCases: { readonly [K in OpName]: readonly GradientCase[] | Opaque | "refused" } = {
  Neg: unary(o.neg),
  Exp: unary(o.exp),
  Log: unary(o.log, 0.5, 3),
  Sqrt: unary(o.sqrt, 0.5, 3),
  Sigmoid: unary(o.sigmoid, -3, 3),
  Erf: unary(o.erf, -2, 2),
  Gated: [["B", 5], [7], [2, 3, 2]].map((shape) => caseOf([real(shape), real(shape)], o.gated)),
  Cos: unary(o.cos, -3, 3),
  Sin: unary(o.sin, -3, 3),
  Not: { opaque: (x) => o.cast(o.not(o.less(x, 0)), x.dtype) },
  Add: [...binary(o.add), caseOf([real([3])], (x) => o.add(x, x), "with itself")],
  Sub: binary(o.sub),
  Mul: [...binary(o.mul), caseOf([real([3])], (x) => o.mul(x, x), "with itself")],
  Div: binary(o.div, 0.5, 2),
  Min: binary(o.min),
  Max: binary(o.max),
  Equal: { opaque: (x) => o.cast(o.equal(x, 0), x.dtype) },
  Less: { opaque: (x) => o.cast(o.less(x, 0), x.dtype) },
  LessOrEqual: { opaque: (x) => o.cast(o.lessOrEqual(x, 0), x.dtype) },
  Or: { opaque: (x) => o.cast(o.or(o.less(x, 1), o.less(x, 2)), x.dtype) },
  Where: [
    caseOf([flags([2, 3]), real([2, 3]), real([2, 3])], o.where),
    caseOf([flags(["B", 1]), real([3]), real(["B", 1])], o.where),
    caseOf([flags([4]), real([]), real([1, 4])], o.where),
    caseOf([flags(["T"]), real(["B", "T"])], (c, a) => o.where(c, a, 7), "and a number"),
  ],
  Cast: ([[2, 3], ["B", 1], []] as Shape[]).map((shape) =>
    // To the wide type and back: differences in a narrow one would be too coarse.
    caseOf([real(shape)], (x) => {
      const wide = apply("Cast", [x], { to: "float64" })[0]!;
      return apply("Cast", [o.mul(wide, wide)], { to: x.dtype })[0]!;
    }),
  ),
  MatMul: matmuls(),
  ReduceSum: [
    caseOf([real([2, 3])], (x) => o.reduceSum(x)),
    caseOf([real(["B", 3, "T"])], (x) => o.reduceSum(x, [1]), "axis 1"),
    caseOf([real(["B", 3, "T"])], (x) => o.reduceSum(x, [0, -1], true), "axes 0 and 2 kept"),
    caseOf([real([2, 1])], (x) => o.reduceSum(x, [1]), "of size 1"),
    caseOf([real([2, 2])], (x) => o.reduceSum(x, []), "no axes"),
  ],
  Softmax: rowwise(o.softmax),
  LogSoftmax: rowwise(o.logSoftmax),
  CumSum: rowwise(o.cumSum),
  Reshape: [
    caseOf([real([2, 6])], (x) => o.reshape(x, [3, 1, 4])),
    caseOf([real(["B", "T", 4])], (x) => o.reshape(x, ["B*T", 2, 2])),
    caseOf([real(["B*T*R", 2]), ...readable, flags(["R"])], (x) => o.reshape(x, ["B", "T", "R", 2])),
    caseOf([real(["B", 1])], (x) => o.reshape(x, ["B"])),
    caseOf([real([1, 1])], (x) => o.reshape(x, [])),
  ],
  Transpose: [
    caseOf([real([2, 3])], (x) => o.transpose(x, [1, 0])),
    caseOf([real(["B", "T", 2])], (x) => o.transpose(x, [2, 0, 1])),
    caseOf([real([1, "B", 2, 3])], (x) => o.transpose(x, [3, 1, 0, 2])),
  ],
  Expand: [
    caseOf([real([2, 1])], (x) => o.expand(x, [2, 3])),
    caseOf([real([])], (x) => o.expand(x, [1, 2])),
    caseOf([real([1, 3]), real(["B", "T"])], (x, y) => o.add(o.expand(x, ["B", "T", 3]), o.reshape(y, ["B", "T", 1]))),
    caseOf(
      [real([1]), real(["B", "T"])],
      (x, y) => o.concat([o.expand(x, ["2*B*T+B"]), o.reshape(y, ["B*T"])], 0),
      "composite",
    ),
  ],
  Concat: [
    caseOf([real([2, 3]), real([2, 1])], (a, b) => o.concat([a, b], 1)),
    caseOf([real(["B", 2]), real(["T", 2])], (a, b) => o.concat([a, b, a], 0), "one of them twice"),
    caseOf([real([1]), real([2]), real(["B"])], (a, b, c) => o.concat([a, b, c], -1)),
  ],
  Split: [
    caseOf([real([2, 6])], (x) => splitThree(x, [1, 2, 3], 1)),
    caseOf([real(["B+T+1", 2]), ...readable], (x) => splitThree(x, ["B", "T", 1], 0)),
    caseOf([real([4, 1])], (x) => splitThree(x, [1, 1, 2], -2)),
  ],
  Part: [
    caseOf([real([2, 6])], (x) => o.part(x, [1, 2, 3], 1, 1)),
    caseOf([real(["B+T+1", 2]), ...readable], (x) => o.part(x, ["B", "T", 1], 0, 1)),
    caseOf([real([4, 1])], (x) => o.part(x, [1, 3], -2, 0)),
  ],
  Gather: [
    caseOf([real([4, 3]), whole([5], [0, 3, 3, 1, 3])], o.gather),
    caseOf([real([4, 1]), whole(["B", 1], [2, 2])], o.gather),
    caseOf([real(["R"]), whole(["B", "T"], [0, 1, 2, 3, 2, 1])], o.gather),
    caseOf([real(["T", 2, 2]), whole([], [1])], o.gather),
  ],
  GatherElements: [
    caseOf([real([2, 4]), whole([2, 3], [0, 3, 3, 1, 1, 1])], o.gatherElements),
    caseOf([real(["B", 4]), whole(["B", 1], [2, 0])], o.gatherElements),
    caseOf([real([2, 1, "T"]), whole([2, 1, 2], [0, 2, 2, 2])], o.gatherElements),
  ],
  ScatterAddRows: [
    caseOf([real([5, 3]), whole([5], [0, 3, 3, 1, 3])], (x, i) => o.scatterAddRows(x, i, 4)),
    caseOf([real(["B", 1, 2]), whole(["B", 1], [2, 2]), ...readable], (x, i) => o.scatterAddRows(x, i, "T"), "to T"),
    caseOf([real(["B", "T"]), whole(["B", "T"], [0, 1, 2, 3, 2, 1])], (x, i) => o.scatterAddRows(x, i, 4)),
  ],
  ScatterAddElements: [
    caseOf([real([2, 3]), whole([2, 3], [0, 3, 3, 1, 1, 1])], (x, i) => o.scatterAddElements(x, i, 4)),
    caseOf([real(["B", 1]), whole(["B", 1], [2, 0])], (x, i) => o.scatterAddElements(x, i, 3)),
    caseOf([real([2, 1, "T"]), whole([2, 1, "T"], [0, 2, 2, 1, 0, 1])], (x, i) => o.scatterAddElements(x, i, "T")),
  ],
  RmsNorm: [
    caseOf([real([2, 4]), real([4], 0.5, 2)], (x, w) => o.rmsNorm(x, w, 1e-5)),
    caseOf([real(["B", "T", 3]), real([3], 0.5, 2)], (x, w) => o.rmsNorm(x, w, 0.1)),
    caseOf([real([3, 1], 0.2, 1), real([1], 0.5, 2)], (x, w) => o.rmsNorm(x, w, 0.5)),
  ],
  RotaryEmbedding: [rotary(3, [0, 2, 1], 1, 2, 4), rotary("B", [3, 3], 2, 1, 4), rotary("T", [0, 1, 0], 3, 2, 2)],
  StopGradient: { opaque: (x) => o.stopGradient(o.exp(x)) },
  SkipRmsNorm: "refused",
  GroupQueryAttention: "refused",
  CausalAttention: "refused",
  ContinuedAttention: "refused",
  OpenRange: {
    opaque: (x) => o.add(o.cast(o.openRange(o.extent("T"), "T"), x.dtype), o.cast(o.cast(x, "int64"), x.dtype)),
  },
  Extent: { opaque: (x) => o.add(o.cast(o.extent("T"), x.dtype), o.cast(o.cast(x, "int64"), x.dtype)) },
  Range: { opaque: (x) => o.add(o.cast(o.range("T"), x.dtype), o.cast(o.cast(x, "int64"), x.dtype)) },
  After: binary((a, b) => o.after(o.mul(a, a), b)).slice(0, 4),
  Recompute: [
    caseOf([real([2, 3]), real([3, 2])], (x, w) => o.recompute([x, w], ([a, b]) => o.sigmoid(o.matmul(a!, b!)))),
    caseOf(
      [real(["B", 3]), real([1, 3])],
      (x, w) => o.recompute([o.exp(x), w], ([a, b]) => o.recompute([o.mul(a!, b!)], ([y]) => o.sin(y!))),
      "nested",
    ),
    caseOf([real([4, 2]), whole(["B"], [3, 1])], (x, i) => o.recompute([x, i], ([a, at]) => o.exp(o.gather(a!, at!)))),
    caseOf([real([2]), real([2])], (x, unused) => o.recompute([x, unused], ([a]) => o.mul(a!, a!)), "one unused"),
    caseOf([real([2])], (x) => o.recompute([x, x], ([a, b]) => o.mul(a!, o.sin(b!))), "the same twice"),
  ],
  CustomGradient: [
    caseOf(
      [real([2, 3]), real([3, 2])],
      (x, w) =>
        o.customGradient([x, w], [o.matmul(x, w)], ([a, b], _, [g]) => [
          o.matmul(g!, b!, { transposeB: true }),
          o.matmul(a!, g!, { transposeA: true }),
        ])[0]!,
    ),
    caseOf([real(["B", 2])], (x) => o.customGradient([x], [o.exp(x)], (_, [y], [g]) => [o.mul(y!, g!)])[0]!),
    caseOf(
      [real([3]), real([3])],
      (x, unused) => o.customGradient([o.sin(x), unused], [o.sin(x)], (_inputs, _outputs, [g]) => [g])[0]!,
      "one unused",
    ),
  ],
  Loop: "refused",
};
