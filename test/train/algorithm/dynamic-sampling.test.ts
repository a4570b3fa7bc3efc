import { describe, expect, it } from "vitest";
import { sampleVarying } from "../../../src/train/algorithm/dynamic-sampling.js";
import { grpo } from "../../../src/train/presets/grpo.js";
import type { RolloutGroup } from "../../../src/train/rollout.js";

const group = (item: string, outcomes: readonly number[]): RolloutGroup => ({
  item,
  rollouts: outcomes.map((outcome) => ({ samples: [], outcome, format: 1, operations: {} })),
});
const equal = (item: string) => group(item, [1, 1]);
const varying = (item: string) => group(item, [0, 1]);

/** Hands out batches of groups in order, and keeps what it was asked for. */
function source(...batches: readonly (readonly RolloutGroup[])[]) {
  const asked: [number, number][] = [];
  const sample = async (batch: number, wanted: number) => {
    asked.push([batch, wanted]);
    return (batches[batch] ?? []).slice(0, wanted);
  };
  return { asked, sample };
}

describe("dynamic sampling", () => {
  it("asks for as many items again as there are groups without variance, until the batch is full", async () => {
    const { asked, sample } = source(
      [equal("a"), varying("b"), equal("c")],
      [varying("d"), equal("e")],
      [varying("f")],
    );
    const { groups, extraBatches } = await sampleVarying(sample, 3, 5, grpo);
    expect(asked).toEqual([
      [0, 3],
      [1, 2],
      [2, 1],
    ]);
    expect(groups.map(({ item }) => item)).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(extraBatches).toBe(2);
  });

  it("samples once where all groups vary, and at most as often as the limit says", async () => {
    const full = source([varying("a"), varying("b")]);
    expect((await sampleVarying(full.sample, 2, 5, grpo)).extraBatches).toBe(0);
    expect(full.asked).toHaveLength(1);
    const poor = source([equal("a")], [equal("b")], [equal("c")], [equal("d")]);
    expect((await sampleVarying(poor.sample, 1, 2, grpo)).groups).toHaveLength(3);
    const off = source([equal("a")], [varying("b")]);
    expect((await sampleVarying(off.sample, 1, 0, grpo)).groups).toHaveLength(1);
  });

  it("ends when the items are used up", async () => {
    const { asked, sample } = source([equal("a")], []);
    expect((await sampleVarying(sample, 1, 5, grpo)).extraBatches).toBe(0);
    expect(asked).toHaveLength(2);
  });
});
