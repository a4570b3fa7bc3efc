import { describe, expect, it } from "vitest";
import { adaptedLayers, loraStacks, unstackLora } from "../../../src/model/graph/lora-stacks.js";
import { tinyConfig } from "../tiny-checkpoint.js";

const config = { ...tinyConfig, layers: 11 };

describe("stacks of an adapter", () => {
  it("are of one kind and at most eight blocks, and hold every layer once, in the order of its block", () => {
    const stacks = loraStacks(config);
    const sizes = new Map(adaptedLayers(config).map(({ name, into, out }) => [name, { into, out }]));
    expect(stacks).toHaveLength(7 * 2);
    for (const { name, layers, into, out } of stacks) {
      const [, first, last, kind] = /^model\.layers\.(\d+)-(\d+)\.(.+)$/.exec(name)!;
      const blocks = Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
      expect([0, 8]).toContain(blocks[0]);
      expect(layers).toEqual(blocks.map((block) => `model.layers.${block}.${kind}`));
      for (const layer of layers) expect(sizes.get(layer)).toEqual({ into, out });
    }
    expect(stacks.flatMap(({ layers }) => layers).sort()).toEqual([...sizes.keys()].sort());
  });

  it("are parted into views of each layer", () => {
    const rank = 3;
    const tensors = new Map<string, Float32Array>();
    for (const { name, layers, into, out } of loraStacks(config)) {
      tensors.set(`${name}.lora_A`, new Float32Array(layers.length * rank * into));
      tensors.set(`${name}.lora_B`, new Float32Array(layers.length * rank * out));
    }
    const pairs = unstackLora(config, (name) => tensors.get(name)!);
    let i = 0;
    for (const { name, into, out } of adaptedLayers(config)) {
      const { A, B } = pairs.get(name)!;
      expect([A.length, B.length]).toEqual([rank * into, rank * out]);
      A.fill(++i);
      B.fill(++i);
    }
    const numbers = [...tensors.values()].flatMap((values) => [...new Set(values)]);
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: i }, (_, at) => at + 1));
  });
});
