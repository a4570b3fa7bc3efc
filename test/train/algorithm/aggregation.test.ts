import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Aggregation, aggregations, tokenWeights } from "../../../src/train/algorithm/aggregation.js";

const options = { maxResponseLength: 10 };
const sum = (rows: readonly (readonly number[])[]) => rows.flat().reduce((a, b) => a + b, 0);

describe("token weights", () => {
  it("give every response the same share in the sequence mean", () => {
    expect(tokenWeights([1, 4], "seq-mean-token-mean", options)).toEqual([[0.5], [0.125, 0.125, 0.125, 0.125]]);
  });

  it("give every token the same share in the token mean", () => {
    expect(tokenWeights([1, 3], "token-mean", options)).toEqual([[0.25], [0.25, 0.25, 0.25]]);
  });

  it("divide by a constant length in the normalised sum, so that a long response weighs more", () => {
    expect(tokenWeights([1, 2], "seq-mean-token-sum-norm", options)).toEqual([[0.05], [0.05, 0.05]]);
  });

  it("leave empty responses without weight and count them as responses", () => {
    expect(tokenWeights([0, 2], "seq-mean-token-mean", options)).toEqual([[], [0.25, 0.25]]);
    expect(tokenWeights([0, 2], "token-mean", options)).toEqual([[], [0.5, 0.5]]);
  });

  it("count the tokens of many calls as a mean over these, so that a rollout weighs no more for their number", () => {
    const total = (rows: readonly (readonly number[])[]) => rows.map((row) => sum([row]));
    for (const name of aggregations) {
      // Four calls of five tokens each beside one call of five.
      const [many, one] = total(tokenWeights([20, 5], name, { ...options, calls: [4, 1] }));
      expect(many, name).toBeCloseTo(one!, 12);
      expect(tokenWeights([3, 5], name, { ...options, calls: [1, 1] })).toEqual(tokenWeights([3, 5], name, options));
    }
  });

  it("sum to 1 in both means", () => {
    const means = aggregations.filter((name) => name !== "seq-mean-token-sum-norm");
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        fc.constantFrom<Aggregation>(...means),
        (lengths, name) => {
          expect(sum(tokenWeights(lengths, name, options))).toBeCloseTo(1, 9);
        },
      ),
    );
  });
});
