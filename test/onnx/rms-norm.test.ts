import { expect, it } from "vitest";
import { emitModel } from "../../src/onnx/emit.js";
import * as o from "../../src/onnx/operators.js";
import { Session } from "../../src/onnx/session.js";
import { input } from "../../src/onnx/value.js";
import { tensor } from "./run-graph.js";

it.each(["cpu", "cuda", "webgpu"] as const)(
  "a norm's inverse root is right in the form that %s takes",
  async (device) => {
    const x = input("x", "float32", ["N", 4]);
    const weight = input("weight", "float32", [4]);
    const normal = o.rmsNorm(x, weight, 1e-6);
    if (normal.source.kind !== "node") throw new Error("rmsNorm is not a node");
    const inverse = normal.source.node.outputs[1]!;
    // Forms differ by what the providers' kernels leave out; each of them runs on a CPU.
    const session = await Session.create(emitModel({ inputs: [x, weight], outputs: { inverse } }, device), {
      threads: 1,
    });
    const rows = [
      [3, -4, 0, 12],
      [0.5, 0.5, -0.5, 0.5],
    ];
    const results = await session.run({
      x: tensor("float32", [2, 4], rows.flat()),
      weight: tensor("float32", [4], [1, 2, 3, 4]),
    });
    await session.release();
    const expected = rows.map((row) => 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / 4 + 1e-6));
    expect(results.inverse!.shape).toEqual([2, 1]);
    for (const [i, value] of expected.entries()) expect(results.inverse!.data[i]).toBeCloseTo(value, 5);
  },
);
