import { describe, expect, it } from "vitest";
import { sampleDraws, sampleTokens } from "../../../src/model/graph/sample-tokens.js";
import * as o from "../../../src/onnx/operators.js";
import { input } from "../../../src/onnx/value.js";
import { Random, uniforms } from "../../../src/random.js";
import { runGraph, tensor } from "../../onnx/run-graph.js";

const logitsOf = (size: number, seed: number): number[] => {
  const random = new Random(seed);
  return Array.from({ length: size }, () => 6 * (random.next() - 0.5));
};

/** One draw per uniform from the same logits. */
async function draw(logits: readonly number[], draws: readonly number[], temperature: number) {
  const rows = draws.length;
  const inputs = {
    logits: input("logits", "float32", ["rows", logits.length]),
    uniforms: input("uniforms", "float32", ["rows"]),
    temperatures: input("temperatures", "float32", ["rows"]),
  };
  const { targets, divisors } = sampleDraws(inputs.uniforms, inputs.temperatures);
  const { tokens, logprobs } = await runGraph(
    [
      [
        inputs.logits,
        tensor(
          "float32",
          [rows, logits.length],
          draws.flatMap(() => [...logits]),
        ),
      ],
      [inputs.uniforms, tensor("float32", [rows], draws)],
      [inputs.temperatures, tensor("float32", [rows], new Array<number>(rows).fill(temperature))],
    ],
    sampleTokens(inputs.logits, { targets: o.reshape(targets, ["rows", 1]), divisors }),
  );
  return { tokens: tokens!.data, logprobs: logprobs!.data };
}

function softmax(logits: readonly number[], temperature: number): number[] {
  const powers = logits.map((logit) => Math.exp(logit / temperature));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** The value that a chi-square variable of so many degrees of freedom exceeds once in 10,000 times (Wilson and Hilferty 1931). */
const rarelyAbove = (degrees: number): number =>
  degrees * (1 - 2 / (9 * degrees) + 3.719 * Math.sqrt(2 / (9 * degrees))) ** 3;

describe("sampling", () => {
  it.each([
    [48, 1],
    [48, 0.5],
    [47, 2],
  ])("of %i tokens at temperature %d follows the softmax", async (size, temperature) => {
    const logits = logitsOf(size, size);
    const draws = 20_000;
    const { tokens } = await draw(logits, [...uniforms(3, 0, draws)], temperature);
    const counts = new Array<number>(size).fill(0);
    for (const token of tokens) counts[token]!++;
    let [statistic, degrees, rareCount, rareShare] = [0, 0, 0, 0];
    softmax(logits, temperature).forEach((share, token) => {
      if (share * draws < 8) {
        rareCount += counts[token]!;
        rareShare += share;
        return;
      }
      statistic += (counts[token]! - share * draws) ** 2 / (share * draws);
      degrees++;
    });
    if (rareShare > 0) statistic += (rareCount - rareShare * draws) ** 2 / (rareShare * draws);
    expect(degrees).toBeGreaterThan(10);
    expect(statistic).toBeLessThan(rarelyAbove(degrees));
  });

  it.each([48, 47, 1])("of %i tokens is the inverse of the distribution function", async (size) => {
    const logits = logitsOf(size, 11);
    const shares = softmax(logits, 1);
    const ends = shares.map((_, token) => shares.slice(0, token + 1).reduce((a, b) => a + b, 0));
    const middles = ends.map((end, token) => end - shares[token]! / 2);
    expect((await draw(logits, middles, 1)).tokens).toEqual(middles.map((_, token) => token));
  });

  it("picks a token that can occur for the smallest and the largest uniform", async () => {
    const logits = [-200, 1, 2, -200, 0.5, -200];
    const { tokens } = await draw(logits, [0, 1 - 2 ** -24], 1);
    expect(tokens).toEqual([1, 4]);
  });

  it("takes the largest logit at temperature 0, whatever the uniform", async () => {
    const logits = logitsOf(48, 5);
    const { tokens } = await draw(logits, [0, 0.5, 0.999], 0);
    const largest = logits.indexOf(Math.max(...logits));
    expect(new Set(tokens)).toEqual(new Set([largest]));
    expect((await draw(logits, [0.5], 1e-38)).tokens).toEqual([largest]);
  });

  it("reports log-probabilities at temperature 1", async () => {
    const logits = logitsOf(48, 6);
    const shares = softmax(logits, 1);
    for (const temperature of [0, 0.3, 1, 2]) {
      const { tokens, logprobs } = await draw(logits, [0.1, 0.7], temperature);
      tokens.forEach((token, i) => {
        expect(logprobs[i]).toBeCloseTo(Math.log(shares[token]!), 4);
      });
    }
  });
});
