import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { microBatches } from "../../src/model/engine/batching.js";
import type { PolicyEngine, PolicyGroup } from "../../src/model/engine/engine.js";
import { randomIds } from "../model/tiny-checkpoint.js";
import { openTinyEngine, trainingTensors } from "./tiny-policy.js";

let engine: PolicyEngine;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ engine, close } = await openTinyEngine());
});
afterAll(() => close());

const STEPS = 50;
const ROWS = 8;
const settings = { objective: "policy", clipLow: 0.2, clipHigh: 0.28, klCoefficient: 0.04 } as const;

/** Eight responses to prompts of their own, a group each. */
async function rows(): Promise<PolicyGroup[]> {
  const groups = Array.from({ length: ROWS }, (_, r) => ({
    promptIds: randomIds(5 + r, 300 + r),
    responses: [randomIds(3 + ((5 * r) % 7), 400 + r)],
  }));
  const scores = await engine.logprobs(groups, "moved");
  return groups.map((group, r) => {
    const length = group.responses[0]!.length;
    const { logprobs } = scores[r]!;
    return {
      ...group,
      weights: [Array.from({ length }, () => 1 / (ROWS * length))],
      advantages: [Array.from({ length }, () => Math.cos(2 * r))],
      oldLogprobs: logprobs,
      referenceLogprobs: logprobs.map((row) => row.map((value) => value - 0.1)),
    };
  });
}

/**
 * The same row with weightless copies of it. Groups of different sizes never share a micro-batch: made different for every row, they have the
 * gradient added up over as many micro-batches as there are rows.
 */
function widened(group: PolicyGroup, copies: number): PolicyGroup {
  const repeat = <T>([row]: readonly T[], fill: (row: T) => T = (same) => same) => [
    row!,
    ...Array.from({ length: copies }, () => fill(row!)),
  ];
  return {
    promptIds: group.promptIds,
    responses: repeat(group.responses),
    weights: repeat(group.weights, (row) => row.map(() => 0)),
    advantages: repeat(group.advantages),
    oldLogprobs: repeat(group.oldLogprobs),
    referenceLogprobs: repeat(group.referenceLogprobs),
  };
}

async function trained(name: string, groups: readonly PolicyGroup[]) {
  await engine.copyAdapter("moved", name);
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const { loss } = await engine.update(name, { ...settings, groups, optimizer: { learningRate: 1e-3 } });
    losses.push(loss);
  }
  return { losses, parameters: await trainingTensors(engine, name, "parameter") };
}

describe("gradient accumulation", () => {
  it("over eight micro-batches of one trains as one batch of eight does, for fifty steps", async () => {
    const groups = await rows();
    const apart = groups.map((group, r) => widened(group, r));
    const sizes = apart.map(({ promptIds, responses }) => ({
      prompt: promptIds.length,
      group: responses.length,
      response: responses[0]!.length,
    }));
    expect(microBatches(sizes, () => true, 1024)).toHaveLength(ROWS);
    const [one, eight] = [await trained("one batch", groups), await trained("eight", apart)];
    const differences = one.losses.map((loss, step) => Math.abs(loss - eight.losses[step]!));
    let [drift, count, moved] = [0, 0, 0];
    const start = await trainingTensors(engine, "moved", "parameter");
    for (const [name, values] of one.parameters) {
      for (const [i, value] of values.entries()) {
        drift += Math.abs(value - eight.parameters.get(name)![i]!);
        moved += Math.abs(value - start.get(name)![i]!);
        count += 1;
      }
    }
    expect(Math.max(...differences)).toBeLessThan(1e-4);
    expect(drift / count).toBeLessThan(1e-5);
    // It did train.
    expect(moved / count).toBeGreaterThan(1e-3);
    expect(one.losses.at(-1)).toBeLessThan(one.losses[0]! - 0.05);
  });
});
