import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { adamWDefaults, adamWState, adamWStep } from "../../src/model/adamw.js";

type Tensors = Readonly<Record<"matrix" | "vector", readonly number[]>>;

/** What PyTorch computed: fixtures/make-adamw.py. */
interface Fixture {
  readonly options: {
    readonly learningRate: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
  };
  readonly start: Tensors;
  readonly gradients: readonly Tensors[];
  readonly cases: readonly {
    readonly weightDecay: number;
    readonly maxGradientNorm: number | null;
    readonly steps: Readonly<Record<string, Tensors & { readonly norm: number }>>;
  }[];
}

const fixture = JSON.parse(await readFile(new URL("./fixtures/adamw.json", import.meta.url), "utf8")) as Fixture;
const arrays = ({ matrix, vector }: Tensors) =>
  new Map(Object.entries({ matrix, vector }).map(([name, values]) => [name, Float32Array.from(values)]));

describe("AdamW", () => {
  for (const { weightDecay, maxGradientNorm, steps } of fixture.cases) {
    const settings = `decay ${weightDecay}, ${maxGradientNorm === null ? "no clipping" : `norm at most ${maxGradientNorm}`}`;
    it(`equals PyTorch's over 100 steps: ${settings}`, () => {
      const options = { ...fixture.options, weightDecay, maxGradientNorm: maxGradientNorm ?? Number.POSITIVE_INFINITY };
      const parameters = arrays(fixture.start);
      const state = adamWState(parameters);
      let compared = 0;
      for (const [i, gradients] of fixture.gradients.entries()) {
        const norm = adamWStep(parameters, arrays(gradients), state, options);
        const wanted = steps[i + 1];
        if (wanted === undefined) continue;
        expect(Math.abs(norm - wanted.norm)).toBeLessThan(1e-6);
        for (const [name, values] of arrays(wanted)) {
          for (const [at, value] of values.entries()) {
            expect(Math.abs(parameters.get(name)![at]! - value)).toBeLessThan(1e-6);
            compared++;
          }
        }
      }
      expect(compared).toBe(11 * 7);
      expect(state.step).toBe(100);
    });
  }

  it("clips by the norm over all tensors, which it gives before clipping", () => {
    const parameters = new Map([
      ["a", Float32Array.of(0)],
      ["b", Float32Array.of(0)],
    ]);
    const gradients = new Map([
      ["a", Float32Array.of(3)],
      ["b", Float32Array.of(4)],
    ]);
    const state = adamWState(parameters);
    expect(adamWStep(parameters, gradients, state, { ...adamWDefaults, maxGradientNorm: 1 })).toBe(5);
    expect(state.first.get("a")![0]).toBeCloseTo(0.1 * 0.6, 6);
    expect(state.first.get("b")![0]).toBeCloseTo(0.1 * 0.8, 6);
  });

  it("leaves parameters without gradient and decay as they were", () => {
    const parameters = new Map([["a", Float32Array.of(0.3)]]);
    adamWStep(parameters, new Map([["a", Float32Array.of(0)]]), adamWState(parameters), adamWDefaults);
    expect(parameters.get("a")).toEqual(Float32Array.of(0.3));
  });
});
