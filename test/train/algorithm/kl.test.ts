import { describe, expect, it } from "vitest";
import { adaptedKlCoefficient, klEstimate } from "../../../src/train/algorithm/kl.js";
import { tokenRewards } from "../../../src/train/algorithm/token-rewards.js";

describe("KL estimators", () => {
  const policy = [0.7, 0.2, 0.1];
  const reference = [0.5, 0.3, 0.2];
  const exact = policy.reduce((sum, p, i) => sum + p * Math.log(p / reference[i]!), 0);
  const expectation = (name: keyof typeof klEstimate) =>
    policy.reduce((sum, p, i) => sum + p * klEstimate[name](Math.log(p), Math.log(reference[i]!)), 0);

  it("k1 and k3 have the KL itself as their expectation, k2 comes near it", () => {
    expect(expectation("k1")).toBeCloseTo(exact, 12);
    expect(expectation("k3")).toBeCloseTo(exact, 12);
    expect(Math.abs(expectation("k2") - exact)).toBeLessThan(0.2 * exact);
  });

  it("are 0 where both policies agree; k2 and k3 are never negative", () => {
    for (const name of ["k1", "k2", "k3"] as const) expect(Math.abs(klEstimate[name](-1.5, -1.5))).toBe(0);
    for (const [a, b] of [
      [-1, -2],
      [-2, -1],
    ] as const) {
      expect(klEstimate.k1(a, b)).toBe(a - b);
      expect(klEstimate.k2(a, b)).toBe(0.5);
      expect(klEstimate.k3(a, b)).toBeCloseTo(Math.exp(b - a) - (b - a) - 1, 12);
      expect(klEstimate.k3(a, b)).toBeGreaterThan(0);
    }
  });
});

describe("the adaptive KL coefficient", () => {
  it("rises by at most 2 % a step above its target and falls below it", () => {
    expect(adaptedKlCoefficient(0.1, 60, 6)).toBeCloseTo(0.102, 12);
    expect(adaptedKlCoefficient(0.1, 0, 6)).toBeCloseTo(0.098, 12);
    expect(adaptedKlCoefficient(0.1, 6.6, 6)).toBeCloseTo(0.101, 12);
    expect(adaptedKlCoefficient(0.1, 6, 6)).toBe(0.1);
  });
});

describe("token rewards", () => {
  it("are the outcome at the last token, less the KL at each", () => {
    const options = { outcome: 1, klCoefficient: 0.5, klEstimator: "k1" } as const;
    expect(tokenRewards([-1, -2, -3], [-2, -2, -1], options)).toEqual([-0.5, 0, 2]);
  });

  it("lie at the only token of a response of one", () => {
    expect(tokenRewards([-1], [-3], { outcome: 1, klCoefficient: 0.25, klEstimator: "k2" })).toEqual([0.5]);
  });
});
