import { describe, expect, it } from "vitest";
import { EngineError } from "../../src/errors.js";
import { emitModel } from "../../src/onnx/emit.js";
import { gradient } from "../../src/onnx/gradient.js";
import * as o from "../../src/onnx/operators.js";
import { input, scalar, type Value } from "../../src/onnx/value.js";

const float = (...shape: (number | string)[]): Value => input("x", "float32", shape);
const int = (...shape: (number | string)[]): Value => input("i", "int64", shape);

interface Refusal {
  readonly title: string;
  readonly build: () => unknown;
  readonly operator: string;
  readonly expected: string;
  readonly found: string;
}

const refusals: readonly Refusal[] = [
  {
    title: "shapes that do not broadcast",
    build: () => o.add(float(2, 3), float(2, 4)),
    operator: "Add",
    expected: "shapes that broadcast",
    found: "[2, 3] and [2, 4]",
  },
  {
    title: "two different names that might or might not be 1",
    build: () => o.mul(float("B", 3), float("G", 3)),
    operator: "Mul",
    expected: "shapes that broadcast",
    found: "[B, 3] and [G, 3]",
  },
  {
    title: "operands of two types",
    build: () => o.less(float(2), int(2)),
    operator: "Less",
    expected: "operands of one type",
    found: "float32 and int64",
  },
  {
    title: "a condition that is not bool",
    build: () => o.where(float(2), float(2), 0),
    operator: "Where",
    expected: "a bool condition",
    found: "float32",
  },
  {
    title: "a product of types",
    build: () => o.matmul(float(2, 3), input("h", "float16", [3, 2])),
    operator: "MatMul",
    expected: "operands of one type",
    found: "float32 and float16",
  },
  {
    title: "inner dimensions that differ once transposed",
    build: () => o.matmul(float("B", "T"), float("B", "T"), { transposeB: false }),
    operator: "MatMul",
    expected: "equal inner dimensions",
    found: "float32[B, T], float32[B, T] (T and B)",
  },
  {
    title: "a product with a vector",
    build: () => o.matmul(float(2, 3), float(3)),
    operator: "MatMul",
    expected: "at least two axes",
    found: "float32[2, 3], float32[3]",
  },
  {
    title: "a sum over an axis that is not there",
    build: () => o.reduceSum(float(2, 3), [2]),
    operator: "ReduceSum",
    expected: "an axis from 0 to 1",
    found: "2",
  },
  {
    title: "another number of elements",
    build: () => o.reshape(float("B", 6), ["B", 4]),
    operator: "Reshape",
    expected: "as many elements as [B, 4]",
    found: "[B, 6]",
  },
  {
    title: "a permutation with a repeated axis",
    build: () => o.transpose(float(2, 3), [0, 0]),
    operator: "Transpose",
    expected: "a permutation of 2 axes",
    found: "[0, 0]",
  },
  {
    title: "an expansion that would shrink",
    build: () => o.expand(float(2, 3), [2, 1]),
    operator: "Expand",
    expected: "[2, 1]",
    found: "[2, 3]",
  },
  {
    title: "a concatenation along one axis of tensors that differ in another",
    build: () => o.concat([float(2, 3), float(2, 4)], 0),
    operator: "Concat",
    expected: "equal types and shapes but for axis 0",
    found: "float32[2, 3], float32[2, 4]",
  },
  {
    title: "parts that do not add up",
    build: () => o.split(float("B+T", 2), ["B", "G"], 0),
    operator: "Split",
    expected: "sizes that add up to T+B",
    found: "B + G",
  },
  {
    title: "indices of other rows",
    build: () => o.gatherElements(float(2, 3), int(3, 1)),
    operator: "GatherElements",
    expected: "equal leading axes",
    found: "float32[2, 3], int64[3, 1]",
  },
  {
    title: "a norm's weight of another size",
    build: () => o.rmsNorm(float(2, 3), float(4), 1e-5),
    operator: "RmsNorm",
    expected: "a weight of 3",
    found: "float32[2, 3], float32[4]",
  },
  {
    title: "heads that do not divide the row",
    build: () => o.rotaryEmbedding(float("T", 10), int("T"), float(9, 2), float(9, 2), 2),
    operator: "RotaryEmbedding",
    expected: "x [rows, heads · headSize], positions [rows]",
    found: "float32[T, 10], int64[T], float32[9, 2]",
  },
  {
    title: "a loop with more states than initial values",
    build: () =>
      o.loop(scalar(1, "int64"), [], {
        iteration: int(),
        states: [float()],
        proceed: scalar(1, "bool"),
        nextStates: [float()],
        scans: [],
        trips: "trips",
      }),
    operator: "Loop",
    expected: "1 states",
    found: "0 initial and 1 next ones",
  },
];

describe("a graph that does not fit", () => {
  it.each(refusals)("$operator refuses $title, saying what it expected and found", (refusal) => {
    let error: unknown;
    try {
      refusal.build();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({
      where: `operator ${refusal.operator}`,
      expected: refusal.expected,
      found: refusal.found,
    });
  });

  it("takes no gradient of a tensor without a seed", () => {
    const x = float(2);
    expect(() => gradient(o.exp(x), [x])).toThrow(/expected a scalar output or a seed of its shape; found shape \[2\]/);
  });

  it("names an input that was not declared", () => {
    const x = float(2);
    expect(() => emitModel({ inputs: [], outputs: { y: o.exp(x) } })).toThrow(/input "x" is used outside/);
  });

  it("names a dimension that no input has", () => {
    expect(() => emitModel({ inputs: [float(2)], outputs: { y: o.range("N*2") } })).toThrow(
      /dimension "N" cannot be read from any input/,
    );
  });
});
