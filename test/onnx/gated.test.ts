import { describe, expect, it } from "vitest";
import type { Device } from "../../src/onnx/device.js";
import { emitModel } from "../../src/onnx/emit.js";
import { gatedWithGradient } from "../../src/onnx/gated.js";
import * as o from "../../src/onnx/operators.js";
import { type DType, input } from "../../src/onnx/value.js";
import { checkGradient, countOf, spread } from "../numeric/check-gradient.js";
import { initializerShapes, outline } from "./read-model.js";

const shape = ["B", 5] as const;
const real = (start: number) => ({ kind: "real" as const, shape, data: spread(countOf(shape), -4, 4, start) });
const subject = { title: "silu(gate) · up", inputs: [real(0), real(7.3)], build: o.gated };

describe("silu(gate) · up", () => {
  it("has the gradient that is written by hand, by central differences", async () => {
    const { error, where } = await checkGradient(subject, (_, [gate, up], seed) =>
      gatedWithGradient(gate!, up!).gradients(seed),
    );
    expect(error, where).toBeLessThan(1);
  });

  it("is computed again to the same numbers", async () => {
    const again = {
      ...subject,
      build: (...[gate, up]: Parameters<typeof o.gated>) => gatedWithGradient(gate, up).value,
    };
    const [first, second] = [await checkGradient(subject), await checkGradient(again)];
    second.value.forEach((y, i) => {
      expect(y).toBeCloseTo(first.value[i]!, 12);
    });
  });

  it("is one kernel on CUDA in bfloat16, two elsewhere", () => {
    const opsOn = (device: Device, dtype: DType) => {
      const [gate, up] = [input("gate", "float32", shape), input("up", "float32", shape)];
      const y = o.cast(o.gated(o.cast(gate, dtype), o.cast(up, dtype)), "float32");
      return outline(emitModel({ inputs: [gate, up], outputs: { y } }, device)).ops.filter(
        (op) => !/Cast|Identity/.test(op),
      );
    };
    expect(opsOn("cuda", "bfloat16")).toEqual(["GatedRMSNorm"]);
    expect(opsOn("cuda", "float16")).toEqual(["QuickGelu", "Mul"]);
    expect(opsOn("cpu", "float32")).toEqual(["QuickGelu", "Mul"]);
  });

  it.each([
    ["B", 4864, 4864],
    [1, 4864, 256],
    [1, 1536, 256],
    [1, 96, 96],
    [1, 2 * 509, 2 * 509],
  ])("goes with %s rows of %i numbers by stretches of %i on CUDA in bfloat16", (rows, width, length) => {
    const [gate, up] = [input("gate", "float32", ["A", rows, width]), input("up", "float32", ["A", rows, width])];
    const y = o.cast(o.gated(o.cast(gate, "bfloat16"), o.cast(up, "bfloat16")), "float32");
    const model = emitModel({ inputs: [gate, up], outputs: { y } }, "cuda");
    expect(initializerShapes(model)).toContainEqual([length]);
  });
});
