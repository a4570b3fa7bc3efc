import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharesOf } from "../../src/onnx/dimension.js";
import { emitModel } from "../../src/onnx/emit.js";
import * as o from "../../src/onnx/operators.js";
import { Session } from "../../src/onnx/session.js";
import { input } from "../../src/onnx/value.js";
import { runGraph, tensor } from "./run-graph.js";

const counting = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("extents known when the graph runs", () => {
  it("reshape to several named dimensions at once", async () => {
    const flat = input("flat", "float32", ["B*G*R", 2]);
    const marks = input("marks", "bool", ["B", "G", "R"]);
    const shaped = o.reshape(flat, ["B", "G", "R", 2]);
    const results = await runGraph(
      [
        [flat, tensor("float32", [24, 2], counting(48))],
        [marks, tensor("bool", [2, 3, 4], Array(24).fill(1))],
      ],
      { shaped, swapped: o.reshape(o.transpose(shaped, [1, 0, 2, 3]), ["G", "B*R", 2]) },
    );
    expect(results.shaped).toEqual({ dtype: "float32", shape: [2, 3, 4, 2], data: counting(48) });
    expect(results.swapped?.shape).toEqual([3, 8, 2]);
    expect(results.swapped?.data.slice(0, 16)).toEqual([...counting(8), ...counting(8).map((i) => i + 24)]);
  });

  it("compute composite extents in Range and Expand", async () => {
    const model = emitComposite();
    const session = await Session.create(model, { threads: 1 });
    await fc.assert(
      fc.asyncProperty(fc.nat(4), fc.nat(4), fc.nat(4), async (B, G, R) => {
        const marks = (...shape: number[]) => tensor("bool", shape, Array(shape.reduce((a, b) => a * b)).fill(1));
        const { range, expanded } = await session.run({ marks: marks(B, G), rows: marks(R) });
        expect(Array.from(range!.data, Number)).toEqual(counting(B * G + 2 * R + 3));
        expect(expanded!.shape).toEqual([B * G + 2 * R, 2, B * B]);
      }),
      { numRuns: 20 },
    );
    await session.release();
  });

  it("split a dimension into shares that differ by one at most, and put them together again", async () => {
    for (const length of [4, 5, 6, 7, 8, 19]) {
      const x = input("x", "int64", ["P"]);
      const parts = o.split(x, sharesOf("P", 4), 0);
      const { whole, ...each } = await runGraph([[x, tensor("int64", [length], counting(length))]], {
        ...Object.fromEntries(parts.map((part, i) => [`part${i}`, part])),
        whole: o.concat(parts, 0),
      });
      expect(whole?.data).toEqual(counting(length));
      const lengths = Object.values(each).map(({ data }) => data.length);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    }
  });

  it("reshape an empty batch as well", async () => {
    const x = input("x", "float32", ["B", 6]);
    const { y, z } = await runGraph([[x, tensor("float32", [0, 6], [])]], {
      y: o.reshape(x, ["B", 2, 3]),
      z: o.reshape(x, ["B*2", 3]),
    });
    expect([y?.shape, z?.shape]).toEqual([
      [0, 2, 3],
      [0, 3],
    ]);
  });
});

function emitComposite(): Uint8Array {
  const marks = input("marks", "bool", ["B", "G"]);
  const rows = input("rows", "bool", ["R"]);
  const one = o.cast(o.less(o.range(1), 1), "float32");
  return emitModel({
    inputs: [marks, rows],
    outputs: { range: o.range("B*G+2*R+3"), expanded: o.expand(one, ["B*G+2*R", 2, "B*B"]) },
  });
}

describe("values on their way in and out", () => {
  it("keep float16 as its bit patterns", async () => {
    const x = input("x", "float16", [3]);
    const { y, wide } = await runGraph([[x, tensor("float16", [3], [1, -0.5, 65504])]], {
      y: o.concat([x, x], 0),
      wide: o.cast(x, "float32"),
    });
    expect(y?.data).toEqual([0x3c00, 0xb800, 0x7bff, 0x3c00, 0xb800, 0x7bff]);
    expect(wide?.data).toEqual([1, -0.5, 65504]);
  });

  it("give one value under two names, and an input as an output", async () => {
    const x = input("x", "float32", [2]);
    const y = o.neg(x);
    const results = await runGraph([[x, tensor("float32", [2], [1, 2])]], { x0: x, y0: y, y1: y });
    expect(results.x0?.data).toEqual([1, 2]);
    expect(results.y0?.data).toEqual([-1, -2]);
    expect(results.y1).toEqual(results.y0);
  });

  it("are refused with the runtime's words when one is missing", async () => {
    const x = input("x", "float32", [2]);
    const session = await Session.create(emitModel({ inputs: [x], outputs: { y: o.neg(x) } }), { threads: 1 });
    await expect(session.run({})).rejects.toThrow(/onnxruntime stopped.*x/);
    await session.release();
  });
});
