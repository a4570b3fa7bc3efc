import { describe, expect, it } from "vitest";
import { inverseFrequencies, rotaryTables } from "../../../src/model/graph/rope.js";
import * as o from "../../../src/onnx/operators.js";
import { input } from "../../../src/onnx/value.js";
import { runGraph, tensor } from "../../onnx/run-graph.js";
import { tinyConfig } from "../tiny-checkpoint.js";

const config = { ...tinyConfig, headSize: 4, ropeTheta: 100 };

/** Rotary embedding of one head's rows [x0 x1 x2 x3], whose pairs are (x0, x2) and (x1, x3) as in Hugging Face's checkpoints. */
async function rotated(rows: readonly (readonly number[])[], positions: readonly number[]): Promise<number[][]> {
  const x = input("x", "float32", ["T", 4]);
  const at = input("at", "int64", ["T"]);
  const { cosines, sines } = rotaryTables(config, "float32");
  const { y } = await runGraph(
    [
      [x, tensor("float32", [rows.length, 4], rows.flat())],
      [at, tensor("int64", [rows.length], positions)],
    ],
    { y: o.rotaryEmbedding(x, at, cosines, sines, 1) },
  );
  return rows.map((_, i) => y!.data.slice(4 * i, 4 * i + 4));
}

const close = (found: readonly number[], wanted: readonly number[]) => {
  expect(found).toHaveLength(wanted.length);
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(wanted[i]!, 5);
  });
};

describe("rotary positions", () => {
  it("turn a pair by position times frequency, from its first number towards its second", async () => {
    expect([...inverseFrequencies(config)]).toEqual([1, 0.1]);
    const [first, second] = await rotated(
      [
        [1, 0, 0, 0],
        [0, 2, 0, 1],
      ],
      [3, 5],
    );
    close(first!, [Math.cos(3), 0, Math.sin(3), 0]);
    close(second!, [0, 2 * Math.cos(0.5) - Math.sin(0.5), 0, Math.cos(0.5) + 2 * Math.sin(0.5)]);
  });

  it("leave position 0 as it is", async () => {
    const [row] = await rotated([[1, -2, 3, 4]], [0]);
    close(row!, [1, -2, 3, 4]);
  });

  it("make products of two rows depend on their distance alone", async () => {
    const rows = [
      [1, 2, -1, 0.5],
      [0.3, -1, 2, 1],
    ];
    const product = ([a, b]: readonly (readonly number[])[]) => a!.reduce((sum, value, i) => sum + value * b![i]!, 0);
    expect(product(await rotated(rows, [7, 4]))).toBeCloseTo(product(await rotated(rows, [3, 0])), 4);
  });
});
