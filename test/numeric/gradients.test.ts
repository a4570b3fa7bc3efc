import { describe, expect, it } from "vitest";
import { EngineError } from "../../src/errors.js";
import { gradient, gradientRules } from "../../src/onnx/gradient.js";
import type { OpName } from "../../src/onnx/op.js";
import * as o from "../../src/onnx/operators.js";
import { input, type Value } from "../../src/onnx/value.js";
import { checkGradient, compare, evaluateCase, type GradientCase } from "./check-gradient.js";
import { gradientCases, loopGraph } from "./gradient-cases.js";

const rows = Object.entries(gradientCases) as [OpName, (typeof gradientCases)[OpName]][];

describe("gradient rules", () => {
  it("have one row each in this table", () => {
    expect(Object.keys(gradientCases).sort()).toEqual(Object.keys(gradientRules).sort());
  });

  for (const [op, row] of rows) {
    if (!Array.isArray(row)) continue;
    const cases: readonly GradientCase[] = row;
    it(`${op} agrees with central differences, and a rule that is 1 % off would not`, async () => {
      // Some cases have a gradient of zero by nature, such as softmax over one class; three at least must not.
      let sighted = 0;
      for (const subject of cases) {
        const { error, where, gradients, numeric } = await checkGradient(subject);
        expect(error, `${subject.title}: ${where}`).toBeLessThanOrEqual(1);
        const off = compare(
          gradients.map((part) => part.map((x) => x * 1.01)),
          numeric,
        );
        if (off.error > 1) sighted++;
      }
      expect(sighted).toBeGreaterThanOrEqual(3);
    });

    it(`${op} gives the same value and gradients in float32 as in float64`, async () => {
      for (const subject of cases) {
        const [wide, narrow] = [await evaluateCase(subject, "float64"), await evaluateCase(subject, "float32")];
        const { error, where } = compare([narrow.value, ...narrow.gradients], [wide.value, ...wide.gradients], {
          atol: 2e-5,
          rtol: 1e-4,
        });
        expect(error, `${subject.title}: ${where}`).toBeLessThanOrEqual(1);
      }
    });
  }

  for (const [op, row] of rows) {
    if (Array.isArray(row) || typeof row !== "object") continue;
    const { opaque } = row as { opaque: (typeof o)["neg"] };
    it(`${op} lets no gradient through`, () => {
      const x = input("x", "float64", ["T"]);
      const y = opaque(x);
      expect(gradient(y, [x], y)).toEqual([undefined]);
      expect(gradient(o.mul(y, x), [x], y)[0]).toBeDefined();
    });
  }

  it("refuse to go through a loop, whether the source is its initial state or taken from outside", () => {
    const x = input("x", "float64", [2]);
    expect(() => gradient(loopGraph(x), [x], x)).toThrow(EngineError);
    expect(() => gradient(loopGraph(input("other", "float64", [2]), o.exp(x)), [x], x)).toThrow(/operator Loop/);
  });
});

describe("the gradient checker", () => {
  const subject: GradientCase = {
    title: "",
    inputs: [
      { kind: "real", shape: [2, 2], data: [0.3, -0.7, 1.1, 0.4] },
      { kind: "real", shape: [2, 2], data: [0.9, 0.2, -0.5, 0.6] },
    ],
    build: (a, b) => o.matmul(o.exp(a), b),
  };

  it("accepts the true gradient", async () => {
    expect((await checkGradient(subject)).error).toBeLessThan(0.1);
  });

  it("catches a gradient of another function", async () => {
    const { error, where } = await checkGradient(subject, (_, [a, b], seed) =>
      gradient(o.matmul(o.sin(a!), b!), [a!, b!], seed),
    );
    expect(error).toBeGreaterThan(100);
    expect(where).toMatch(/^real input [01], element \d: found/);
  });

  it("catches a gradient that is transposed, exchanged, scaled, missing, or not a number", async () => {
    type Spoil = (gradients: readonly (Value | undefined)[]) => (Value | undefined)[];
    const wrong: Spoil[] = [
      ([a, b]) => [a, o.transpose(b!, [1, 0])],
      ([a, b]) => [b, a],
      ([a, b]) => [o.mul(a!, 1.003), b],
      ([a]) => [a, undefined],
      ([a, b]) => [a, o.log(o.neg(o.mul(b!, b!)))],
    ];
    for (const spoil of wrong) {
      const { error } = await checkGradient(subject, (y, xs, seed) => spoil(gradient(y, xs, seed)));
      expect(error, spoil.toString()).toBeGreaterThan(1);
    }
  });

  it("catches a gradient of another shape", async () => {
    const flat = checkGradient(subject, (y, xs, seed) =>
      gradient(y, xs, seed).map((g) => (g === undefined ? g : o.reshape(g, [4]))),
    );
    await expect(flat).rejects.toThrow("gradient of real input 0 is [4], not [2, 2]");
  });
});
