import { describe, expect, it } from "vitest";
import type { DecoderParameters } from "../../../src/model/graph/decoder.js";
import { joined } from "../../../src/model/graph/joined-lora.js";
import { factored } from "../../../src/model/graph/lora.js";
import type { LoraInputs } from "../../../src/model/graph/lora-inputs.js";
import { gradient } from "../../../src/onnx/gradient.js";
import * as o from "../../../src/onnx/operators.js";
import { constant, input, type Value } from "../../../src/onnx/value.js";
import { compare, spread } from "../../numeric/check-gradient.js";
import { runGraph, tensor } from "../../onnx/run-graph.js";

const [hidden, wide, rows] = [6, 10, 7];
const sizes = { q: [hidden, 6], k: [hidden, 4], v: [hidden, 4], o: [6, hidden], down: [wide, hidden] } as const;
const layers = Object.keys(sizes) as (keyof typeof sizes)[];
const scale = input("scale", "float32", []);
const adapters = layers.map((name) => {
  const [into, out] = sizes[name];
  return { name, a: input(`${name}.a`, "float32", ["rank", into]), b: input(`${name}.b`, "float32", [out, "rank"]) };
});
const pairs: LoraInputs["pairs"] = new Map(adapters.map(({ name, a, b }) => [name, { a, b: o.mul(b, scale) }]));

const numbers = (count: number, start: number) => spread(count, -1, 1, start);
const parameter = (shape: readonly number[], start: number) =>
  constant(
    "float32",
    shape,
    Float32Array.from(
      numbers(
        shape.reduce((a, b) => a * b),
        start,
      ),
    ),
  );
const norm = parameter([hidden], 3);
const tensors = new Map(
  layers.flatMap((name, i): [string, Value][] => {
    const [into, out] = sizes[name];
    return [
      [`${name}.weight`, parameter([out, into], 31 * i)],
      [`${name}.bias`, parameter([out], 17 * i + 5)],
    ];
  }),
);

/** Values and gradients of layers that share an input, of one by itself, and of a gated one. */
async function evaluate(apply: typeof joined, rank: number, biases: readonly string[]) {
  const parameters: DecoderParameters = apply((name) => tensors.get(name)!, { pairs }, new Set(biases), "float32");
  const [x, gate, up] = [
    input("x", "float32", ["N", hidden]),
    input("gate", "float32", ["N", wide]),
    input("up", "float32", ["N", wide]),
  ];
  const [q, k, v] = parameters.linears(x, ["q", "k", "v"]);
  const [mixed] = parameters.linears(o.mul(q!, 0.5), ["o"], (y) => o.rmsNorm(y, norm, 1e-6));
  const outputs = [o.mul(k!, k!), o.exp(v!), mixed!, parameters.gatedLinear(gate, up, "down")];
  const loss = outputs.map((y) => o.reduceSum(o.mul(y, o.cos(y)))).reduce((a, b) => o.add(a, b));
  const sources = [x, gate, up, ...adapters.flatMap(({ a, b }) => [a, b])];
  const gradients = gradient(loss, sources);
  const feeds = [scale, ...sources].map((value, i) => {
    const extents = value.shape.map((dim) => (dim === "N" ? rows : dim === "rank" ? rank : Number(dim)));
    return [
      value,
      tensor(
        "float32",
        extents,
        numbers(
          extents.reduce((a, b) => a * b, 1),
          3 * i,
        ),
      ),
    ] as const;
  });
  const results = await runGraph(feeds, {
    ...Object.fromEntries(outputs.map((y, i) => [`y${i}`, y])),
    ...Object.fromEntries(gradients.map((g, i) => [`g${i}`, g!])),
  });
  return Object.values(results).map(({ data }) => data);
}

describe("joined adapters", () => {
  for (const rank of [1, 3, 4]) {
    for (const biases of [[], ["q.bias", "k.bias"], layers.map((name) => `${name}.bias`)]) {
      it(`of rank ${rank} give the values and gradients of separate products, with ${biases.length} biases`, async () => {
        const expected = await evaluate(factored, rank, biases);
        const { error, where } = compare(await evaluate(joined, rank, biases), expected, { atol: 1e-5, rtol: 1e-4 });
        expect(error, where).toBeLessThan(1);
      });
    }
  }

  it("give no gradient to layers whose result is not used", () => {
    const parameters = joined((name) => tensors.get(name)!, { pairs }, new Set(), "float32");
    const [, k] = parameters.linears(input("x", "float32", ["N", hidden]), ["q", "k", "v"]);
    const [used, unused] = gradient(o.reduceSum(k!), [pairs.get("k")!.b, pairs.get("v")!.b]);
    expect(used?.shape).toEqual([4, "rank"]);
    expect(unused?.source.kind === "node" && unused.source.node.op).not.toBe("MatMul");
  });
});
