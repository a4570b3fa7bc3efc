import { describe, expect, it } from "vitest";
import { gated, gatedWithGradient } from "../../src/model/gated.js";
import { checkGradient, countOf, spread } from "../numeric/check-gradient.js";

const shape = ["B", 5] as const;
const real = (start: number) => ({ kind: "real" as const, shape, data: spread(countOf(shape), -4, 4, start) });
const subject = { title: "silu(gate) · up", inputs: [real(0), real(7.3)], build: gated };

describe("silu(gate) · up", () => {
  it("has the gradient that is written by hand, by central differences", async () => {
    const { error, where } = await checkGradient(subject, (_, [gate, up], seed) =>
      gatedWithGradient(gate!, up!).gradients(seed),
    );
    expect(error, where).toBeLessThan(1);
  });

  it("is computed again to the same numbers", async () => {
    const again = { ...subject, build: (...[gate, up]: Parameters<typeof gated>) => gatedWithGradient(gate, up).value };
    const [first, second] = [await checkGradient(subject), await checkGradient(again)];
    second.value.forEach((y, i) => {
      expect(y).toBeCloseTo(first.value[i]!, 12);
    });
  });
});
