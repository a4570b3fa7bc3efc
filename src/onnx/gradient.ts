import { EngineError } from "../errors.js";
import { type Dim, multiplyDims, type Shape, sameShape } from "./dimension.js";
import { gatedWithGradient } from "./gated.js";
import type { OpName } from "./op.js";
import * as o from "./operators.js";
import { dependencies, topologicalOrder } from "./order.js";
import { type Node, scalar, type Value } from "./value.js";

/** Gradients with respect to a node's inputs, given those of its outputs; built only where they are asked for. */
type Rule<K extends OpName> = (node: Node<K>, gradients: readonly (Value | undefined)[]) => readonly (() => Value)[];

/** Rule of a node with one output. */
type SimpleRule<K extends OpName> = (gradient: Value, node: Node<K>) => readonly (() => Value)[];

const simple =
  <K extends OpName>(rule: SimpleRule<K>): Rule<K> =>
  (node, [gradient]) =>
    gradient === undefined ? [] : rule(gradient, node);

/** Integers, booleans, and choices whose derivative is zero almost everywhere: no gradient flows through. */
const none: Rule<OpName> = () => [];

/** One reverse-mode rule per operator: exhaustive, so that an operator without a rule does not compile. */
export const gradientRules: { readonly [K in OpName]: Rule<K> } = {
  Neg: simple((g) => [() => o.neg(g)]),
  Exp: simple((g, { outputs: [y] }) => [() => o.mul(g, y!)]),
  Log: simple((g, { inputs: [x] }) => [() => o.div(g, x!)]),
  Sqrt: simple((g, { outputs: [y] }) => [() => o.mul(o.div(g, y!), 0.5)]),
  Sigmoid: simple((g, { outputs: [y] }) => [() => o.mul(g, o.sub(y!, o.mul(y!, y!)))]),
  // d erf(x)/dx = 2/√π · exp(-x²)
  Erf: simple((g, { inputs: [x] }) => [() => o.mul(g, o.mul(o.exp(o.neg(o.mul(x!, x!))), 2 / Math.sqrt(Math.PI)))]),
  Gated: simple((g, { inputs: [gate, up] }) => {
    const { gradients } = gatedWithGradient(gate!, up!);
    const [onGate, onUp] = gradients(g);
    return [() => onGate, () => onUp];
  }),
  Cos: simple((g, { inputs: [x] }) => [() => o.neg(o.mul(g, o.sin(x!)))]),
  Sin: simple((g, { inputs: [x] }) => [() => o.mul(g, o.cos(x!))]),
  Not: none,
  Add: simple((g, { inputs: [a, b] }) => [() => sumTo(g, a!.shape), () => sumTo(g, b!.shape)]),
  Sub: simple((g, { inputs: [a, b] }) => [() => sumTo(g, a!.shape), () => sumTo(o.neg(g), b!.shape)]),
  Mul: simple((g, { inputs: [a, b] }) => [() => sumTo(o.mul(g, b!), a!.shape), () => sumTo(o.mul(g, a!), b!.shape)]),
  Div: simple((g, { inputs: [a, b], outputs: [y] }) => [
    () => sumTo(o.div(g, b!), a!.shape),
    () => sumTo(o.neg(o.div(o.mul(g, y!), b!)), b!.shape),
  ]),
  // A tie goes to the first operand as a whole: PPO's clip has its ties where both sides are the same function.
  Min: simple((g, { inputs: [a, b] }) => choose(g, o.lessOrEqual(a!, b!), a!, b!)),
  Max: simple((g, { inputs: [a, b] }) => choose(g, o.lessOrEqual(b!, a!), a!, b!)),
  Equal: none,
  Less: none,
  LessOrEqual: none,
  Or: none,
  Where: simple((g, { inputs: [condition, a, b] }) => [() => g, ...choose(g, condition!, a!, b!)]),
  Cast: simple((g, { inputs: [x] }) => [() => o.cast(g, x!.dtype)]),
  MatMul: simple((g, { inputs: [a, b], attributes: { transposeA, transposeB, alpha } }) => [
    () =>
      sumTo(
        transposeA
          ? o.matmul(b!, g, { transposeA: transposeB, transposeB: true, alpha })
          : o.matmul(g, b!, { transposeB: !transposeB, alpha }),
        a!.shape,
      ),
    () => matmulGradientOfB(g, a!, b!, transposeA, transposeB, alpha),
  ]),
  ReduceSum: simple((g, { inputs: [x], attributes: { axes } }) => [
    () => {
      const kept = x!.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
      return o.expand(o.reshape(g, kept), x!.shape);
    },
  ]),
  Softmax: simple((g, { outputs: [y] }) => [
    () => {
      const gy = o.mul(g, y!);
      return o.sub(gy, o.mul(y!, o.reduceSum(gy, [-1], true)));
    },
  ]),
  LogSoftmax: simple((g, { outputs: [y] }) => [() => o.sub(g, o.mul(o.exp(y!), o.reduceSum(g, [-1], true)))]),
  // What stands after each of g: the total without what stands before it and without itself.
  CumSum: simple((g) => [() => o.sub(o.sub(o.reduceSum(g, [-1], true), o.cumSum(g)), g)]),
  Reshape: simple((g, { inputs: [x] }) => [() => o.reshape(g, x!.shape)]),
  Transpose: simple((g, { attributes: { permutation } }) => [
    () =>
      o.transpose(
        g,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
  ]),
  Expand: simple((g, { inputs: [x] }) => [() => sumTo(g, x!.shape)]),
  Concat: simple((g, { inputs, attributes: { axis } }) => {
    const parts = o.split(
      g,
      inputs.map((x) => x.shape[axis]!),
      axis,
    );
    return inputs.map((_, i) => () => parts[i]!);
  }),
  Split: (node, gradients) => [
    () =>
      o.concat(
        node.outputs.map((y, i) => gradients[i] ?? zeros(y)),
        node.attributes.axis,
      ),
  ],
  Part: simple((g, { inputs: [x], attributes: { axis, sizes, index } }) => [
    () => {
      const empty = (size: Dim) => o.expand(scalar(0, g.dtype), x!.shape.with(axis, size));
      return o.concat(
        sizes.map((size, i) => (i === index ? g : empty(size))),
        axis,
      );
    },
  ]),
  Gather: simple((g, { inputs: [table, indices] }) => [() => o.scatterAddRows(g, indices!, table!.shape[0]!)]),
  GatherElements: simple((g, { inputs: [x, indices] }) => [() => o.scatterAddElements(g, indices!, x!.shape.at(-1)!)]),
  ScatterAddRows: simple((g, { inputs: [, indices] }) => [() => o.gather(g, indices!)]),
  ScatterAddElements: simple((g, { inputs: [, indices] }) => [() => o.gatherElements(g, indices!)]),
  RmsNorm: simple((g, { inputs: [x, weight], outputs: [y, inverse] }) => {
    // With r = 1 / rms(x):  dx = r · (g·w - x · r · mean(g · y)),  dw = Σ g · x · r
    const r = o.cast(inverse!, x!.dtype);
    return [
      () => {
        const size = x!.shape.at(-1);
        if (typeof size !== "number") throw notSupported("RmsNorm", "a last axis of known size", String(size));
        const mean = o.mul(o.reduceSum(o.mul(g, y!), [-1], true), 1 / size);
        return o.mul(o.sub(o.mul(g, weight!), o.mul(x!, o.mul(r, mean))), r);
      },
      () => sumTo(o.mul(g, o.mul(x!, r)), weight!.shape),
    ];
  }),
  // A rotation's adjoint is the rotation by the opposite angle.
  RotaryEmbedding: simple((g, { inputs: [, positions, cosines, sines], attributes: { heads } }) => [
    () => o.rotaryEmbedding(g, positions!, cosines!, opposite(sines!), heads),
  ]),
  SkipRmsNorm: () => {
    throw notSupported("SkipRmsNorm", "an addition and RmsNorm", "their fused form");
  },
  GroupQueryAttention: () => {
    throw notSupported("GroupQueryAttention", "attention of matrix products", "its fused form");
  },
  ContinuedAttention: () => {
    throw notSupported("ContinuedAttention", "attention of matrix products", "its fused form");
  },
  CausalAttention: () => {
    throw notSupported("CausalAttention", "attention of matrix products", "its fused form");
  },
  Range: none,
  OpenRange: none,
  Extent: none,
  After: simple((g) => [() => g]),
  StopGradient: none,
  Recompute: simple((g, { inputs, attributes: { body } }) => {
    const again = inputs.slice(0, -1).map((x) => (isFloat(x) ? o.after(x, g) : x));
    let gradients: readonly (Value | undefined)[] | undefined;
    return again.map((x, i) => () => {
      gradients ??= gradient(body(again), again.filter(isFloat), g);
      return gradients[again.filter(isFloat).indexOf(x)] ?? zeros(inputs[i]!);
    });
  }),
  CustomGradient: ({ inputs, outputs, attributes: { count, rule } }, gradients) => {
    const given = inputs.slice(0, inputs.length - count);
    let parts: readonly (Value | undefined)[] | undefined;
    return given.map((x, i) => () => {
      parts ??= rule(given, outputs, gradients);
      return parts[i] ?? zeros(x);
    });
  },
  Loop: () => {
    throw notSupported("Loop", "a gradient that does not pass through a loop", "a source that the loop depends on");
  },
};

/**
 * Reverse mode: the gradients of `output` (contracted with `seed`, which has its shape; 1 for a scalar) with respect to `sources`,
 * as new values of the same graph; undefined where the output does not depend on the source.
 */
export function gradient(output: Value, sources: readonly Value[], seed?: Value): (Value | undefined)[] {
  if (seed === undefined && output.shape.length > 0) {
    throw notSupported("gradient", "a scalar output or a seed of its shape", `shape [${output.shape.join(", ")}]`);
  }
  const wanted = new Set(sources);
  const order = nodesTowards(output, wanted);
  const reached = new Set<Value>([...wanted, ...order.flatMap((node) => node.outputs)]);
  const gradients = new Map<Value, Value>([[output, seed ?? scalar(1, output.dtype)]]);
  for (const node of order.reverse()) {
    const given = node.outputs.map((y) => gradients.get(y));
    if (given.every((g) => g === undefined)) continue;
    // The mapped type ties each rule to its node; TypeScript cannot follow the correlation through a union.
    const rule = gradientRules[node.op] as Rule<OpName>;
    const parts = rule(node, given);
    node.inputs.forEach((x, i) => {
      const part = parts[i];
      if (part === undefined || !reached.has(x) || !isFloat(x)) return;
      const sum = gradients.get(x);
      gradients.set(x, sum === undefined ? part() : o.add(sum, part()));
    });
  }
  return sources.map((source) => gradients.get(source));
}

/** The nodes on a path from a source to the output, inputs before users. */
function nodesTowards(output: Value, sources: ReadonlySet<Value>): Node[] {
  const inputsOf = (node: Node) => differentiated(node) ?? dependencies(node);
  const depending = new Set(sources);
  return topologicalOrder([output], inputsOf).filter((node) => {
    const found = inputsOf(node).some((x) => depending.has(x));
    if (found) for (const y of node.outputs) depending.add(y);
    return found;
  });
}

/** The last inputs of these operators are their forward results: the gradient takes the other way, through the inputs. */
function differentiated(node: Node): readonly Value[] | undefined {
  if (node.op === "Recompute") return node.inputs.slice(0, -1);
  if (node.op === "CustomGradient") return node.inputs.slice(0, node.inputs.length - node.outputs.length);
  return undefined;
}

function choose(g: Value, first: Value, a: Value, b: Value): readonly (() => Value)[] {
  return [() => sumTo(o.where(first, g, 0), a.shape), () => sumTo(o.where(first, 0, g), b.shape)];
}

function matmulGradientOfB(
  g: Value,
  a: Value,
  b: Value,
  transposeA: boolean,
  transposeB: boolean,
  alpha: number,
): Value {
  // Frozen batch axes of `a` fold into its rows when `b` is a plain matrix: one product instead of a batch of them and a sum.
  if (b.shape.length === 2 && a.shape.length > 2 && !transposeA) {
    const rows = (x: Value) => o.reshape(x, [multiplyDims(...x.shape.slice(0, -1)), x.shape.at(-1)!]);
    return matmulGradientOfB(rows(g), rows(a), b, false, transposeB, alpha);
  }
  const product = transposeB
    ? o.matmul(g, a, { transposeA: true, transposeB: transposeA, alpha })
    : o.matmul(a, g, { transposeA: !transposeA, alpha });
  return sumTo(product, b.shape);
}

/** Undoes broadcasting: sums over the axes along which `shape` was repeated. */
function sumTo(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const extra = x.shape.length - shape.length;
  const axes = x.shape.flatMap((dim, axis) => (axis < extra || (shape[axis - extra] === 1 && dim !== 1) ? [axis] : []));
  return o.reshape(o.reduceSum(x, axes, true), shape);
}

function isFloat(x: Value): boolean {
  return x.dtype.startsWith("float") || x.dtype === "bfloat16";
}

const opposites = new WeakMap<Value, Value>();

/** −x, one value for all who ask: every layer turns back by the same table of sines. */
function opposite(x: Value): Value {
  const known = opposites.get(x) ?? o.neg(x);
  opposites.set(x, known);
  return known;
}

function zeros(x: Value): Value {
  return o.expand(scalar(0, x.dtype), x.shape);
}

function notSupported(where: string, expected: string, found: string): EngineError {
  return new EngineError({
    what: "gradient is not defined",
    where: `operator ${where}`,
    expected,
    found,
    remedy: "rewrite this part of the graph",
  });
}
