import { describe, expect, it } from "vitest";
import { emitModel } from "../../src/onnx/emit.js";
import { gradient } from "../../src/onnx/gradient.js";
import * as o from "../../src/onnx/operators.js";
import { constant, type DType, encode, input, type Value } from "../../src/onnx/value.js";
import { spread } from "../numeric/check-gradient.js";
import { outline } from "./read-model.js";
import { runGraph, tensor } from "./run-graph.js";

const [a, b] = [input("a", "float32", ["N", 8]), input("b", "float32", ["N", 8])];
const numbers = Array.from({ length: 8 }, (_, i) => 0.5 + i / 8);
const vector = (dtype: DType) => constant(dtype, [8], encode(numbers, dtype));

/** The norm of a sum, and the sum. */
function build(dtype: DType, [x, y] = [o.cast(a, dtype), o.cast(b, dtype)]) {
  const sum = o.add(x, y);
  return { normal: o.cast(o.rmsNorm(sum, vector(dtype), 1e-6), "float32"), sum: o.cast(sum, "float32") };
}

const opsOf = (outputs: Readonly<Record<string, Value>>, device: "cpu" | "cuda" | "webgpu") =>
  outline(emitModel({ inputs: [a, b], outputs }, device)).ops.filter((op) => /^Add$|LayerNorm/.test(op));

describe("a sum that is normalised at once", () => {
  it("is one kernel with its norm in 16 bits, but for WebGPU", () => {
    const { normal, sum } = build("bfloat16");
    expect(opsOf({ normal, sum }, "cuda")).toEqual(["SkipSimplifiedLayerNormalization"]);
    for (const apart of [opsOf({ normal, sum }, "webgpu"), opsOf(build("float32"), "cuda")]) {
      expect(apart.slice(0, 2)).toEqual(["Add", "SimplifiedLayerNormalization"]);
    }
  });

  it("stays by itself where it is broadcast or has four axes, or a gradient needs the norm's inverse", () => {
    const sum = o.add(o.cast(a, "float16"), vector("float16"));
    const broadcast = o.cast(o.rmsNorm(sum, vector("float16"), 1e-6), "float32");
    expect(opsOf({ broadcast }, "cuda")).toContain("SimplifiedLayerNormalization");
    const four = (x: Value) => o.reshape(o.cast(x, "float16"), [1, 1, "N", 8]);
    const deep = o.reshape(o.cast(build("float16", [four(a), four(b)]).normal, "float32"), ["N", 8]);
    expect(opsOf({ deep }, "cuda")).not.toContain("SkipSimplifiedLayerNormalization");
    const { normal } = build("float16");
    const [onA] = gradient(o.reduceSum(o.mul(normal, normal)), [a]);
    expect(opsOf({ normal, onA: onA! }, "cuda")).not.toContain("SkipSimplifiedLayerNormalization");
  });

  it("gives the numbers of both by themselves", async () => {
    const rows = (start: number) => tensor("float32", [3, 8], spread(24, -2, 2, start));
    const feeds = [
      [a, rows(0)],
      [b, rows(5)],
    ] as const;
    const [apart, together] = [await runGraph(feeds, build("float32")), await runGraph(feeds, build("float16"))];
    for (const name of ["normal", "sum"] as const) {
      together[name]!.data.forEach((value, i) => {
        expect(Math.abs(value - apart[name]!.data[i]!)).toBeLessThan(4e-3);
      });
    }
  });
});
