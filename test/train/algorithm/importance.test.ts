import { describe, expect, it } from "vitest";
import { truncatedImportance } from "../../../src/train/algorithm/importance.js";

describe("truncated importance sampling", () => {
  it("weighs by how much likelier the trainer finds a token than the sampler, up to the cap", () => {
    const weights = truncatedImportance([-1, -1, -1], [-1, -1 + Math.log(2), -1 - Math.log(4)], 2);
    expect(weights[0]).toBe(1);
    expect(weights[1]).toBeCloseTo(0.5, 12);
    expect(weights[2]).toBe(2);
  });
});
