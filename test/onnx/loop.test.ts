import { describe, expect, it } from "vitest";
import { emitModel } from "../../src/onnx/emit.js";
import * as o from "../../src/onnx/operators.js";
import { input, scalar, type Value } from "../../src/onnx/value.js";
import { outline } from "./read-model.js";
import { runGraph, tensor } from "./run-graph.js";

const iteration = input("iteration", "int64", []);
const always = scalar(1, "bool");
const limit = input("limit", "int64", []);
const trips = (count: number) => [limit, tensor("int64", [], [count])] as const;

describe("Loop", () => {
  it("grows a state, takes values from outside, and stacks scans", async () => {
    const x = input("x", "float32", ["B"]);
    const start = o.reshape(x, ["B", 1]);
    const list = input("list", "float32", ["B", "t"]);
    const newest = o.add(x, o.cast(iteration, "float32"));
    const [final, sums] = o.loop(limit, [start], {
      iteration,
      states: [list],
      proceed: always,
      nextStates: [o.concat([list, o.reshape(newest, ["B", 1])], 1)],
      scans: [o.reduceSum(list, [1])],
      trips: "trips",
      finalShapes: [["B", "1+trips"]],
    });
    const results = await runGraph([[x, tensor("float32", [2], [10, 20])], trips(3)], { final: final!, sums: sums! });
    expect(results.final).toEqual({ dtype: "float32", shape: [2, 4], data: [10, 10, 11, 12, 20, 20, 21, 22] });
    expect(results.sums).toEqual({ dtype: "float32", shape: [3, 2], data: [10, 20, 20, 40, 31, 61] });
  });

  it("stops where the body says so", async () => {
    const total = input("total", "int64", []);
    const next = o.add(total, iteration);
    const [final] = o.loop(limit, [scalar(0, "int64")], {
      iteration,
      states: [total],
      proceed: o.less(next, 10),
      nextStates: [next],
      scans: [],
      trips: "trips",
    });
    expect((await runGraph([trips(100)], { final: final! })).final?.data).toEqual([10]);
    expect((await runGraph([trips(3)], { final: final! })).final?.data).toEqual([3]);
    expect((await runGraph([trips(0)], { final: final! })).final?.data).toEqual([0]);
  });

  const addingExpensive = (x: Value) => {
    const expensive = o.exp(o.sin(x));
    const state = input("state", "float32", [2]);
    const [final] = o.loop(limit, [x], {
      iteration,
      states: [state],
      proceed: always,
      nextStates: [o.add(state, expensive)],
      scans: [],
      trips: "trips",
    });
    return final!;
  };

  it("computes once, outside, what does not depend on the trip", async () => {
    const x = input("x", "float32", [2]);
    const { ops, bodies } = outline(emitModel({ inputs: [x, limit], outputs: { y: addingExpensive(x) } }));
    expect(ops.filter((op) => op !== "Identity")).toEqual(["Sin", "Exp", "Loop"]);
    expect(bodies).toHaveLength(1);
    expect(bodies[0]?.ops.filter((op) => op !== "Identity")).toEqual(["Add"]);
    const { y } = await runGraph([[x, tensor("float32", [2], [0, 1])], trips(3)], { y: addingExpensive(x) });
    expect(y?.data[0]).toBeCloseTo(3);
    expect(y?.data[1]).toBeCloseTo(1 + 3 * Math.exp(Math.sin(1)));
  });

  it("keeps inside what has the extent of a growing state, though it depends on no value of the trip", async () => {
    const list = input("list", "int64", ["t"]);
    const [, sums] = o.loop(limit, [o.range(1)], {
      iteration,
      states: [list],
      proceed: always,
      nextStates: [o.concat([list, o.range(1)], 0)],
      scans: [o.reduceSum(o.range("t")), o.reduceSum(o.expand(scalar(1, "int64"), ["t"]))],
      trips: "trips",
      finalShapes: [["1+trips"]],
    });
    expect((await runGraph([trips(4)], { sums: sums! })).sums?.data).toEqual([0, 1, 3, 6]);
  });

  it("nests", async () => {
    const outer = input("outer", "int64", []);
    const inner = input("inner", "int64", []);
    const innerIteration = input("innerIteration", "int64", []);
    const [product] = o.loop(limit, [scalar(0, "int64")], {
      iteration: innerIteration,
      states: [inner],
      proceed: always,
      nextStates: [o.add(inner, o.mul(outer, o.add(iteration, 1)))],
      scans: [],
      trips: "inner",
    });
    const [final] = o.loop(limit, [scalar(1, "int64")], {
      iteration,
      states: [outer],
      proceed: always,
      nextStates: [product!],
      scans: [],
      trips: "outer",
    });
    // Each of three trips multiplies by 3 · (trip + 1).
    expect((await runGraph([trips(3)], { final: final! })).final?.data).toEqual([3 * 6 * 9]);
  });
});
