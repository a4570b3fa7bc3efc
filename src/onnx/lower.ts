import type { Device } from "./device.js";
import { addDims, commonFactor, type Dim, type Shape } from "./dimension.js";
import type { OpAttributes, OpName } from "./op.js";
import { type AttributeValue, dataTypes } from "./proto.js";
import type { DType, Node, Value } from "./value.js";

/** What a lowering may do: add ONNX nodes and constants to the scope it stands in. */
export interface Scope {
  /** Where the graph will run: providers differ in what their kernels can do. */
  readonly device: Device;
  /** Adds a node with one output, named `output` or afresh; returns the name. */
  node(type: string, inputs: readonly string[], attributes?: Attributes, output?: string): string;
  /** Adds a node of any number of outputs. */
  nodes(type: string, inputs: readonly string[], outputs: readonly string[], attributes?: Attributes): void;
  /** A name that nothing has yet. */
  fresh(): string;
  int64s(values: readonly number[]): string;
  /** A rank-0 constant. */
  scalar(value: number, dtype: DType): string;
  /** A one-dimensional constant of equal numbers. */
  vector(length: number, value: number, dtype: DType): string;
  /** A one-dimensional int64 tensor with the shape's extents. */
  shape(shape: Shape): string;
  loop(node: Node<"Loop">, inputs: readonly string[], outputs: readonly string[]): void;
}

export type Attributes = Readonly<Record<string, AttributeValue>>;

type Lowering<K extends OpName> = (scope: Scope, x: readonly string[], y: readonly string[], node: Node<K>) => void;

/** An ONNX operator of the same name, inputs and outputs. */
const same =
  <K extends OpName>(attributes: (attributes: OpAttributes[K]) => Attributes = () => ({})): Lowering<K> =>
  (scope, x, y, node) =>
    scope.nodes(node.op, x, y, attributes(node.attributes));

const lastAxis: Attributes = { axis: { int: -1 } };

/** How each operator is written in ONNX (opset 23 and ONNX Runtime's com.microsoft domain). */
export const lowerings: { readonly [K in OpName]: Lowering<K> } = {
  Neg: same(),
  Exp: same(),
  Log: same(),
  Sqrt: same(),
  Sigmoid: same(),
  Erf: (scope, [x], [y], { inputs }) => {
    if (inputs[0]!.dtype === "float64") erfSeries(scope, x!, y!);
    else scope.node("Erf", [x!], {}, y);
  },
  Gated: (scope, [gate, up], [y], { inputs }) => {
    const { dtype, shape } = inputs[0]!;
    const width = shape.at(-1)!;
    if (scope.device.startsWith("cuda") && dtype === "bfloat16" && typeof width === "number") {
      // One kernel: beside this epsilon no square counts, so that its norm divides by 2^40, which the scale undoes. Each stretch as long as the
      // scale is one thread block's: for few rows they are short, or most of the GPU would idle.
      const length = shape.at(-2) === 1 ? shortStretch(width) : width;
      const scale = scope.vector(length, 2 ** 40, dtype);
      scope.node("com.microsoft.GatedRMSNorm", [up!, scale, gate!], { epsilon: { float: 2 ** 80 } }, y);
    } else scope.node("Mul", [silu(scope, gate!, dtype), up!], {}, y);
  },
  Cos: same(),
  Sin: same(),
  Not: same(),
  Add: same(),
  Sub: same(),
  Mul: same(),
  Div: same(),
  Min: same(),
  Max: same(),
  Equal: same(),
  Less: same(),
  LessOrEqual: same(),
  Or: same(),
  Where: same(),
  Cast: same(({ to }) => ({ to: { int: dataTypes[to] } })),
  MatMul: (scope, [a, b], [y], node) => {
    const { transposeA, transposeB, alpha } = node.attributes;
    if (!transposeA && !transposeB && alpha === 1) {
      scope.node("MatMul", [a!, b!], {}, y);
    } else if (node.inputs[0]!.dtype === "float64") {
      const swap = (name: string, value: Value) => {
        const axes = value.shape.map((_, i) => i);
        const [last, previous] = [axes.pop()!, axes.pop()!];
        return scope.node("Transpose", [name], { perm: { ints: [...axes, last, previous] } });
      };
      const product = scope.node("MatMul", [
        transposeA ? swap(a!, node.inputs[0]!) : a!,
        transposeB ? swap(b!, node.inputs[1]!) : b!,
      ]);
      scope.node("Mul", [product, scope.scalar(alpha, "float64")], {}, y);
    } else {
      const attributes = {
        transA: { int: Number(transposeA) },
        transB: { int: Number(transposeB) },
        alpha: { float: alpha },
      };
      scope.node("com.microsoft.FusedMatMul", [a!, b!], attributes, y);
    }
  },
  ReduceSum: (scope, [x], [y], { attributes: { axes, keepDims } }) =>
    void scope.node(
      "ReduceSum",
      [x!, scope.int64s(axes)],
      { keepdims: { int: Number(keepDims) }, noop_with_empty_axes: { int: 1 } },
      y,
    ),
  Softmax: same(() => lastAxis),
  LogSoftmax: same(() => lastAxis),
  CumSum: (scope, [x], [y]) => void scope.node("CumSum", [x!, scope.scalar(-1, "int64")], { exclusive: { int: 1 } }, y),
  Reshape: (scope, [x], [y], { inputs, attributes: { shape } }) => {
    const kept = (dim: Dim, axis: number) =>
      typeof dim === "number" ? dim : dim === inputs[0]!.shape[axis] ? 0 : undefined;
    const target = shape.map(kept);
    const open = target.filter((dim) => dim === undefined).length;
    // At most one open extent can be left to the runtime (-1), unless the tensor may be empty along a fixed axis.
    const name = open <= 1 ? scope.int64s(target.map((dim) => dim ?? -1)) : scope.shape(shape);
    scope.node("Reshape", [x!, name], {}, y);
  },
  Transpose: (scope, [x], [y], { attributes }) =>
    void scope.node("Transpose", [x!], { perm: { ints: attributes.permutation } }, y),
  Expand: (scope, [x], [y], { attributes }) => void scope.node("Expand", [x!, scope.shape(attributes.shape)], {}, y),
  Concat: (scope, x, [y], { inputs, outputs, attributes: { axis } }) => {
    const lengths = inputs.map((value) => value.shape[axis]!);
    const factor = axis === 0 && uploads(scope, lengths) ? commonFactor(lengths) : undefined;
    if (factor === undefined) return scope.nodes("Concat", x, [y!], { axis: { int: axis } });
    // The table is shorter by the factor; what is left of the axis may be known only to the runtime.
    const blocks = x.map((name, i) =>
      scope.node("Reshape", [name, scope.shape([-1, factor, ...inputs[i]!.shape.slice(1)])]),
    );
    const all = scope.node("Concat", blocks, { axis: { int: 0 } });
    scope.node("Reshape", [all, scope.shape([-1, ...outputs[0]!.shape.slice(1)])], {}, y);
  },
  Split: (scope, [x], y, { attributes: { axis, sizes } }) => {
    if (axis > 0 || !uploads(scope, sizes)) {
      return scope.nodes("Split", [x!, scope.shape(sizes)], y, { axis: { int: axis } });
    }
    y.forEach((output, index) => {
      slice(scope, x!, output, { axis, sizes, index });
    });
  },
  Part: (scope, [x], [y], { attributes }) => slice(scope, x!, y!, attributes),
  Gather: same(() => ({ axis: { int: 0 } })),
  GatherElements: same(() => lastAxis),
  ScatterAddRows: (scope, [rows, indices], [y], node) => {
    const width = node.outputs[0]!.shape.slice(1);
    const flatRows = scope.node("Reshape", [rows!, scope.shape([-1, ...width])]);
    const column = scope.node("Reshape", [indices!, scope.int64s([-1, ...width.map(() => 1)])]);
    const positions = scope.node("Expand", [column, scope.node("Shape", [flatRows])]);
    const zeros = scope.node("Expand", [scope.scalar(0, node.outputs[0]!.dtype), scope.shape(node.outputs[0]!.shape)]);
    scope.node("ScatterElements", [zeros, positions, flatRows], { axis: { int: 0 }, reduction: { string: "add" } }, y);
  },
  ScatterAddElements: (scope, [updates, indices], [y], node) => {
    const zeros = scope.node("Expand", [scope.scalar(0, node.outputs[0]!.dtype), scope.shape(node.outputs[0]!.shape)]);
    scope.node("ScatterElements", [zeros, indices!, updates!], { ...lastAxis, reduction: { string: "add" } }, y);
  },
  RmsNorm: (scope, x, y, { inputs, attributes: { epsilon } }) => {
    const { dtype } = inputs[0]!;
    if (dtype === "float64") {
      // The kernel gives its second output in float32 whatever it is declared to be.
      const inverse = inverseRms(scope, x[0]!, dtype, epsilon, y[1]!);
      scope.node("Mul", [scope.node("Mul", [x[0]!, inverse]), x[1]!], {}, y[0]);
      return;
    }
    const kernel = { ...lastAxis, epsilon: { float: epsilon }, stash_type: { int: dataTypes.float32 } };
    if (scope.device !== "webgpu") return scope.nodes("SimplifiedLayerNormalization", x, y, kernel);
    // As of 1.29 WebGPU's kernel leaves its second output unwritten.
    scope.nodes("SimplifiedLayerNormalization", x, [y[0]!], kernel);
    const wide = dtype === "float32" ? x[0]! : scope.node("Cast", [x[0]!], { to: { int: dataTypes.float32 } });
    inverseRms(scope, wide, "float32", epsilon, y[1]!);
  },
  RotaryEmbedding: (scope, [x, positions, cosines, sines], [y], { inputs, attributes: { heads } }) => {
    if (inputs[0]!.dtype === "float64") {
      const half = inputs[2]!.shape[1] as number;
      const halves = scope.node("Reshape", [x!, scope.int64s([-1, heads, 2, half])]);
      const pick = (index: number) =>
        scope.node("Gather", [halves, scope.scalar(index, "int64")], { axis: { int: 2 } });
      const angle = (table: string) =>
        scope.node("Unsqueeze", [scope.node("Gather", [table, positions!]), scope.int64s([1])]);
      const [first, second, c, s] = [pick(0), pick(1), angle(cosines!), angle(sines!)];
      const low = scope.node("Sub", [scope.node("Mul", [first, c]), scope.node("Mul", [second, s])]);
      const high = scope.node("Add", [scope.node("Mul", [second, c]), scope.node("Mul", [first, s])]);
      const joined = scope.node("Concat", [low, high], { axis: { int: -1 } });
      scope.node("Reshape", [joined, scope.int64s([-1, heads * 2 * half])], {}, y);
      return;
    }
    // Each row is a batch entry of one token: the kernel refuses sequences longer than its tables, and packed rows are.
    const one = scope.int64s([1]);
    const tokens = scope.node("Unsqueeze", [x!, one]);
    const rows = scope.node("Unsqueeze", [positions!, one]);
    const rotated = scope.node("com.microsoft.RotaryEmbedding", [tokens, rows, cosines!, sines!]);
    scope.node("Squeeze", [rotated, one], {}, y);
  },
  SkipRmsNorm: (scope, x, [y, sum], { attributes: { epsilon } }) =>
    scope.nodes("com.microsoft.SkipSimplifiedLayerNormalization", x, [y!, "", "", sum!], {
      epsilon: { float: epsilon },
    }),
  GroupQueryAttention: (scope, [packed, lengths, total, cosines, sines, keys, values], y, { attributes }) =>
    scope.nodes(
      "com.microsoft.GroupQueryAttention",
      [packed!, "", "", keys ?? "", values ?? "", lengths!, total!, cosines!, sines!],
      y,
      { ...headCounts(attributes), do_rotary: { int: 1 } },
    ),
  CausalAttention: (scope, [queries, keys, values, lengths, total], y, { attributes }) =>
    scope.nodes(
      "com.microsoft.GroupQueryAttention",
      [queries!, keys!, values!, "", "", lengths!, total!],
      y,
      headCounts(attributes),
    ),
  ContinuedAttention: (scope, [queries, keys, values, pastKeys, pastValues], [y], { attributes }) =>
    scope.nodes(
      "Attention",
      [queries!, keys!, values!, "", pastKeys!, pastValues!],
      [y!, scope.fresh(), scope.fresh()],
      {
        q_num_heads: { int: attributes.heads },
        kv_num_heads: { int: attributes.keyValueHeads },
        is_causal: { int: 1 },
        scale: { float: attributes.scale },
      },
    ),
  OpenRange: (scope, [length], [y]) =>
    void scope.node("Range", [scope.scalar(0, "int64"), length!, scope.scalar(1, "int64")], {}, y),
  Extent: (scope, _, [y], { attributes: { size } }) => void scope.node("Squeeze", [scope.shape([size])], {}, y),
  Range: (scope, _, [y], { attributes: { size } }) => {
    const end = scope.node("Squeeze", [scope.shape([size])]);
    scope.node("Range", [scope.scalar(0, "int64"), end, scope.scalar(1, "int64")], {}, y);
  },
  // A view of x whose shape, "every extent as it was", is read from the signal's: an order without a pass over numbers. Like all that is
  // known before the graph runs, a signal of fixed shape would be folded away.
  After: (scope, [x, signal], [y], { inputs: [value, given] }) => {
    const axis = given!.shape.findIndex((dim) => typeof dim === "string");
    if (axis < 0) return afterNumbers(scope, x!, signal!, y!, value!.dtype, given!.dtype);
    const extent = scope.node("Shape", [signal!], { start: { int: axis }, end: { int: axis + 1 } });
    const unchanged = scope.node("Mul", [extent, scope.int64s(value!.shape.map(() => 0))]);
    scope.node("Reshape", [x!, unchanged], {}, y);
  },
  StopGradient: (scope, [x], [y]) => void scope.node("Identity", [x!], {}, y),
  Recompute: (scope, x, [y]) => void scope.node("Identity", [x.at(-1)!], {}, y),
  CustomGradient: (scope, x, y) =>
    y.forEach((output, i) => {
      scope.node("Identity", [x[x.length - y.length + i]!], {}, output);
    }),
  Loop: (scope, x, y, node) => scope.loop(node, x, y),
};

/** The largest divisor of the width from 32 to 256; the width itself where it has none. */
function shortStretch(width: number): number {
  for (let length = 256; length >= 32; length--) if (width % length === 0) return length;
  return width;
}

/** x · sigmoid(x) */
function silu(scope: Scope, x: string, dtype: DType): string {
  if (dtype !== "float64") return scope.node("com.microsoft.QuickGelu", [x], { alpha: { float: 1 } });
  // Not x · Sigmoid(x): the runtime fuses that into QuickGelu, which has no float64 kernel.
  const denominator = scope.node("Add", [scope.scalar(1, "float64"), scope.node("Exp", [scope.node("Neg", [x])])]);
  return scope.node("Div", [x, denominator]);
}

/** Whether CUDA's kernels fill and upload a table as long as the axis for every call, and the axis may be long: parts of one size need none. */
function uploads({ device }: Scope, sizes: readonly Dim[]): boolean {
  const [differ, open] = [sizes.some((size) => size !== sizes[0]), sizes.some((size) => typeof size === "string")];
  return device.startsWith("cuda") && differ && open;
}

function slice(scope: Scope, x: string, y: string, { axis, sizes, index }: OpAttributes["Part"]): void {
  const bound = (count: number) => scope.shape([addDims(...sizes.slice(0, count))]);
  scope.node("Slice", [x, bound(index), bound(index + 1), scope.int64s([axis])], {}, y);
}

/** x + 0 · signal. */
function afterNumbers(scope: Scope, x: string, signal: string, y: string, type: DType, signalType: DType): void {
  const flat = scope.node("Reshape", [signal, scope.int64s([-1])]);
  const one = scope.node("Gather", [flat, scope.int64s([0])], { axis: { int: 0 } });
  const zero = scope.node("Mul", [one, scope.scalar(0, signalType)]);
  const own = type === signalType ? zero : scope.node("Cast", [zero], { to: { int: dataTypes[type] } });
  scope.node("Add", [x, own], {}, y);
}

function headCounts({ heads, keyValueHeads }: OpAttributes["CausalAttention"]): Attributes {
  return { num_heads: { int: heads }, kv_num_heads: { int: keyValueHeads } };
}

/** 1 / rms over the last axis, which stays with length 1. */
function inverseRms(scope: Scope, x: string, dtype: DType, epsilon: number, y: string): string {
  const square = scope.node("ReduceMean", [scope.node("Mul", [x, x]), scope.int64s([-1])]);
  const rms = scope.node("Sqrt", [scope.node("Add", [square, scope.scalar(epsilon, dtype)])]);
  return scope.node("Reciprocal", [rms], {}, y);
}

/** Terms of a series that is exact to 1e-12 up to |x| = 3. */
const ERF_TERMS = 60;

/** 2/√π · x · Σ (-x²)ⁿ / (n! (2n + 1)): the runtime has no float64 kernel, by which gradients are checked. */
function erfSeries(scope: Scope, x: string, y: string): void {
  const number = (value: number) => scope.scalar(value, "float64");
  const square = scope.node("Neg", [scope.node("Mul", [x, x])]);
  let sum = number(1 / (2 * ERF_TERMS + 1));
  for (let n = ERF_TERMS; n > 0; n--) {
    const rest = scope.node("Mul", [scope.node("Mul", [sum, square]), number(1 / n)]);
    sum = scope.node("Add", [rest, number(1 / (2 * n - 1))]);
  }
  scope.node("Mul", [scope.node("Mul", [x, sum]), number(2 / Math.sqrt(Math.PI))], {}, y);
}
