import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addDims,
  canonical,
  commonFactor,
  type Dim,
  multiplyDims,
  parseDim,
  sameShape,
  sharesOf,
} from "../../src/onnx/dimension.js";

const names = ["B", "G", "P", "R"] as const;

/** Dimensions as a user may write them: terms and factors in any order, coefficients anywhere, zeros and ones too. */
const dims: fc.Arbitrary<Dim> = fc.oneof(
  fc.nat(9),
  fc
    .array(fc.array(fc.oneof(fc.constantFrom(...names), fc.nat(4).map(String)), { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 3,
    })
    .map((terms) => terms.map((factors) => factors.join("*")).join("+")),
);

const assignments = fc.record({ B: fc.nat(9), G: fc.nat(9), P: fc.nat(9), R: fc.nat(9) });

/** JavaScript's own arithmetic on the text: independent of the polynomial. */
function evaluate(dim: Dim, at: Readonly<Record<string, number>>): number {
  return String(dim)
    .split("+")
    .map((term) => term.split("*").reduce((product, factor) => product * (at[factor] ?? Number(factor)), 1))
    .reduce((sum, term) => sum + term, 0);
}

describe("dimensions", () => {
  it("add and multiply as the numbers that they stand for do", () => {
    fc.assert(
      fc.property(dims, dims, assignments, (a, b, at) => {
        expect(evaluate(addDims(a, b), at)).toBe(evaluate(a, at) + evaluate(b, at));
        expect(evaluate(multiplyDims(a, b), at)).toBe(evaluate(a, at) * evaluate(b, at));
      }),
    );
  });

  it("commute, associate and distribute to the letter of their text", () => {
    fc.assert(
      fc.property(dims, dims, dims, (a, b, c) => {
        expect(addDims(a, b)).toBe(addDims(b, a));
        expect(multiplyDims(a, b)).toBe(multiplyDims(b, a));
        expect(addDims(addDims(a, b), c)).toBe(addDims(a, addDims(b, c)));
        expect(addDims(addDims(a, b), c)).toBe(addDims(a, b, c));
        expect(multiplyDims(multiplyDims(a, b), c)).toBe(multiplyDims(a, multiplyDims(b, c)));
        expect(multiplyDims(multiplyDims(a, b), c)).toBe(multiplyDims(a, b, c));
        expect(multiplyDims(a, addDims(b, c))).toBe(addDims(multiplyDims(a, b), multiplyDims(a, c)));
      }),
    );
  });

  it("have 0 and 1 as neutral elements, and 0 swallows products", () => {
    fc.assert(
      fc.property(dims, (a) => {
        expect(addDims(a, 0)).toBe(canonical(a));
        expect(multiplyDims(a, 1)).toBe(canonical(a));
        expect(multiplyDims(a, 0)).toBe(0);
      }),
    );
  });

  it("are canonical: the same polynomial is the same text, and a constant is a number", () => {
    fc.assert(
      fc.property(dims, assignments, (a, at) => {
        expect(canonical(canonical(a))).toBe(canonical(a));
        expect(evaluate(canonical(a), at)).toBe(evaluate(a, at));
        const constant = [...parseDim(a)].every(([monomial, coefficient]) => monomial === "" || coefficient === 0);
        expect(typeof canonical(a)).toBe(constant ? "number" : "string");
      }),
    );
    expect(canonical("R*B+2*G*R+B*R+1+2")).toBe(canonical("3+2*R*G+2*R*B"));
    expect(addDims()).toBe(0);
    expect(multiplyDims()).toBe(1);
  });

  it("make equal shapes only where every axis is equal", () => {
    expect(sameShape(["B", 2], ["B", 2])).toBe(true);
    expect(sameShape(["B", 2], ["B"])).toBe(false);
    expect(sameShape(["B"], ["G"])).toBe(false);
    expect(sameShape([2], ["2"])).toBe(false);
  });

  it("are the sum of their shares, in any order and with any factor, and of no fewer", () => {
    const parts = fc.integer({ min: 2, max: 5 }).map((count) => sharesOf("P", count));
    fc.assert(
      fc.property(parts, dims, dims, fc.nat(3), (shares, factor, more, at) => {
        const products = shares.map((share) => multiplyDims(share, factor));
        const turned = [...products.slice(at), ...products.slice(0, at)];
        expect(addDims(more, ...turned)).toBe(addDims(more, multiplyDims("P", factor)));
        expect(addDims(...shares.slice(1))).not.toBe("P");
      }),
    );
    expect(addDims("P@0/2", "P@1/3", "P@2/3")).not.toBe("P");
  });

  it("have a factor where all of them do, and all terms of each", () => {
    expect(commonFactor(["B*P", "B*G*R"])).toBe("B");
    expect(commonFactor(["P*B", "2*B*G*R+B"])).toBe("B");
    expect(commonFactor(["B*P", "G*R"])).toBeUndefined();
    expect(commonFactor(["B*P", 3])).toBeUndefined();
    expect(commonFactor([2, 3])).toBeUndefined();
  });
});
