import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainedVariance, generalizedAdvantages, whiten } from "../../../src/train/algorithm/gae.js";
import { ExpectedNumbers } from "../../../src/verify/expected-numbers.js";
import { referenceFolder, referenceNames, referencesAbsent } from "../../model/reference.js";

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const number = fc.double({ min: -3, max: 3, noNaN: true });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const episode = fc
  .array(fc.tuple(number, number), { minLength: 1, maxLength: 12 })
  .map((steps) => ({ rewards: steps.map(([reward]) => reward), values: steps.map(([, value]) => value) }));

/** The definition, term by term. */
function directSum(rewards: readonly number[], values: readonly number[], gamma: number, lambda: number): number[] {
  const delta = rewards.map((reward, t) => reward + gamma * (t + 1 < values.length ? values[t + 1]! : 0) - values[t]!);
  return delta.map((_, t) => delta.slice(t).reduce((sum, value, l) => sum + (gamma * lambda) ** l * value, 0));
}

describe("generalized advantages", () => {
  it("equal the discounted sum of temporal differences", () => {
    fc.assert(
      fc.property(episode, share, share, ({ rewards, values }, gamma, lambda) => {
        const { advantages, returns } = generalizedAdvantages(rewards, values, { gamma, lambda });
        const direct = directSum(rewards, values, gamma, lambda);
        for (const [t, value] of direct.entries()) {
          expect(advantages[t]).toBeCloseTo(value, 9);
          expect(returns[t]).toBeCloseTo(value + values[t]!, 9);
        }
      }),
    );
  });

  it("are worked out by hand for three tokens", () => {
    // δ = (0 + ½·2 − 1, 0 + ½·4 − 2, 8 − 4) = (0, 0, 4); A = (4/16, 4/4, 4) with γλ = ¼.
    const { advantages, returns } = generalizedAdvantages([0, 0, 8], [1, 2, 4], { gamma: 0.5, lambda: 0.5 });
    expect(advantages).toEqual([0.25, 1, 4]);
    expect(returns).toEqual([1.25, 3, 8]);
  });

  it("make the returns the rewards to go at γ = λ = 1, whatever the critic says", () => {
    fc.assert(
      fc.property(episode, ({ rewards, values }) => {
        const { returns } = generalizedAdvantages(rewards, values, { gamma: 1, lambda: 1 });
        rewards.forEach((_, t) => {
          expect(returns[t]).toBeCloseTo(
            rewards.slice(t).reduce((a, b) => a + b, 0),
            9,
          );
        });
      }),
    );
  });

  it("are one temporal difference at λ = 0", () => {
    const { advantages } = generalizedAdvantages([1, 0, 2], [0.5, 0.25, 1], { gamma: 0.5, lambda: 0 });
    expect(advantages).toEqual([0.625, 0.25, 1]);
  });

  it("are 0 where the critic is right about what will come", () => {
    const { advantages } = generalizedAdvantages([0, 0, 1], [1, 1, 1], { gamma: 1, lambda: 0.95 });
    expect(advantages).toEqual([0, 0, 0]);
  });

  describe.skipIf(referencesAbsent)("beside PyTorch (skipped where ../shared/reference is absent)", () => {
    for (const name of referenceNames) {
      it(`agree with ${name} within 1e-6, returns and whitening too`, async () => {
        const expected = await ExpectedNumbers.read(join(referenceFolder, name));
        const rows = (tensor: string) => expected.perToken(`ppo.${tensor}`);
        const values = rows("old_values");
        const estimates = rows("token_rewards").map((rewards, r) =>
          generalizedAdvantages(rewards, values[r]!, expected.settings.ppo),
        );
        const advantages = estimates.map((estimate) => estimate.advantages);
        const found = [advantages, estimates.map(({ returns }) => returns), whiten(advantages)].map((all) =>
          all.flat(),
        );
        for (const [i, tensor] of ["advantages", "returns", "whitened_advantages"].entries()) {
          const errors = rows(tensor)
            .flat()
            .map((value, t) => Math.abs(value - found[i]![t]!));
          expect(Math.max(...errors)).toBeLessThan(1e-6);
        }
      });
    }
  });
});

describe("whitening", () => {
  it("gives all tokens together mean 0 and variance 1, and keeps their order", () => {
    const rows = [[1, 2, 3.5], [-4], [0.5, 10]];
    const whitened = whiten(rows);
    expect(whitened.map((row) => row.length)).toEqual([3, 1, 2]);
    const flat = whitened.flat();
    expect(mean(flat)).toBeCloseTo(0, 12);
    expect(mean(flat.map((value) => value ** 2))).toBeCloseTo(1, 6);
    const ranks = (values: readonly number[]) => values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
    expect(ranks(flat)).toEqual(ranks(rows.flat()));
  });

  it("gives 0 where all advantages are equal", () => {
    expect(whiten([[2, 2], [2]])).toEqual([[0, 0], [0]]);
  });
});

describe("explained variance", () => {
  it("is 1 for a perfect critic, 0 for the mean, and below 0 for a critic that is worse than that", () => {
    expect(explainedVariance([1, 2, 3], [1, 2, 3])).toBe(1);
    expect(explainedVariance([2, 2, 2], [1, 2, 3])).toBe(0);
    expect(explainedVariance([3, 2, 1], [1, 2, 3])).toBeCloseTo(-3, 12);
  });

  it("is 0 where all returns are equal, also if rounding tells them apart", () => {
    expect(explainedVariance([1, 2], [5, 5])).toBe(0);
    expect(explainedVariance([0.2, 0.4], [0.1, 0.1 + 1e-9])).toBe(0);
  });

  it("is below 0 as far as a critic errs where returns differ by little", () => {
    expect(explainedVariance([0.2, 0.4], [0.1, 0.101])).toBeLessThan(-1e4);
  });
});
