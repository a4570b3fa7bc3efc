import { describe, expect, it } from "vitest";
import { emitModel } from "../../src/onnx/emit.js";
import { gradient } from "../../src/onnx/gradient.js";
import * as o from "../../src/onnx/operators.js";
import { input, type Value } from "../../src/onnx/value.js";
import { outline } from "./read-model.js";
import { runGraph, tensor } from "./run-graph.js";

const x = input("x", "float32", ["T", 4]);
const weights = [0, 1, 2].map((i) => input(`w${i}`, "float32", [4, 4]));
const layer = (h: Value, w: Value): Value => o.add(h, o.sigmoid(o.matmul(h, o.sin(w))));

const plain = weights.reduce(layer, x);
const checkpointed = weights.reduce((h, w) => o.recompute([h, w], ([a, b]) => layer(a!, b!)), x);

const feeds = [
  [x, tensor("float32", [3, 4], [0.3, -1, 2, 0.1, 0.5, 0.7, -0.2, 1, 0.9, 0, -0.4, 0.6])] as const,
  ...weights.map(
    (w, i) =>
      [
        w,
        tensor(
          "float32",
          [4, 4],
          Array.from({ length: 16 }, (_, j) => Math.sin(i + 3 * j)),
        ),
      ] as const,
  ),
];

function training(output: Value): Record<string, Value> {
  const loss = o.reduceSum(o.mul(output, output));
  const gradients = gradient(loss, [x, ...weights]);
  return { loss, ...Object.fromEntries(gradients.map((g, i) => [`g${i}`, g!])) };
}

describe("Recompute", () => {
  it("gives the same bits as without, in the value and in every gradient", async () => {
    expect(await runGraph(feeds, training(checkpointed))).toEqual(await runGraph(feeds, training(plain)));
  });

  it("computes the body twice, once behind the gradient that asks for it, and only where one does", () => {
    const count = (outputs: Record<string, Value>, op: string) =>
      outline(emitModel({ inputs: [x, ...weights], outputs })).ops.filter((name) => name === op).length;
    expect(count({ y: plain }, "Sigmoid")).toBe(3);
    expect(count({ y: checkpointed }, "Sigmoid")).toBe(3);
    expect(count(training(plain), "Sigmoid")).toBe(3);
    expect(count(training(checkpointed), "Sigmoid")).toBe(6);
  });

  it("orders inputs of one type behind a gradient of another", async () => {
    const wide = input("wide", "float64", [2]);
    const y = o.recompute([wide], ([a]) => o.exp(o.cast(a!, "float32")));
    const [g] = gradient(o.reduceSum(y), [wide]);
    const results = await runGraph([[wide, tensor("float64", [2], [0, 1])]], { g: g! });
    expect(results.g?.dtype).toBe("float64");
    expect(results.g?.data[1]).toBeCloseTo(Math.E, 5);
  });
});
