import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyEngine } from "../../src/model/engine/engine.js";
import { type PolicyOptions, policyOptionsSchema } from "../../src/train/algorithm/policy-options.js";
import { algorithmNames, presets } from "../../src/train/presets/index.js";
import type { StepMetrics } from "../../src/train/run/metrics.js";
import type { TrainOptions } from "../../src/train/train-options.js";
import { train } from "../../src/train/trainer.js";
import { temporaryFolder } from "../model/reference.js";
import { lora, openTinyEngine, trainingBytes } from "./tiny-policy.js";
import { sayTarget } from "./toy-task.js";

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** A preset with learning rates at which the toy is learned within seconds. */
function quick(preset: PolicyOptions): PolicyOptions {
  const { critic } = preset;
  return {
    ...preset,
    formatWeight: 0,
    maxResponseLength: 3,
    // All of the toy's responses end at the limit.
    overlong: { kind: "keep" },
    optimizer: { learningRate: 2e-2 },
    ...(critic === null ? {} : { critic: { ...critic, optimizer: { learningRate: 3e-2 } } }),
  };
}

describe("presets", () => {
  it("are valid settings, each another", () => {
    for (const name of algorithmNames) expect(policyOptionsSchema.parse(presets[name])).toEqual(presets[name]);
    expect(new Set(algorithmNames.map((name) => JSON.stringify(presets[name]))).size).toBe(algorithmNames.length);
  });

  it("refuse dynamic sampling with a critic, and numbers outside of their range", () => {
    for (const change of [
      { extraBatches: 2 },
      { klTarget: 1, klCoefficient: 0 },
      { clipLow: -1 },
      { formatWeight: 1.1 },
      { epochs: 0 },
    ]) {
      expect(policyOptionsSchema.safeParse({ ...presets.ppo, ...change }).success).toBe(false);
    }
  });
});

describe("training by name", () => {
  let engine: PolicyEngine;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ engine, close } = await openTinyEngine());
  });
  afterAll(() => close());

  const options = (adapter: string, out: string, algorithm: PolicyOptions, steps: number): TrainOptions => ({
    engine,
    adapter,
    lora,
    task: sayTarget(engine, adapter),
    steps,
    batchSize: 3,
    groupSize: 16,
    temperature: 1,
    seed: 3,
    algorithm,
    out,
    checkpointEvery: 4,
    resume: false,
  });

  for (const name of algorithmNames) {
    it(`${name} raises the toy's reward`, async () => {
      const seen: StepMetrics[] = [];
      const run = options(name, await temporaryFolder(), quick(presets[name]), 16);
      await train({ ...run, onStep: ({ metrics }) => void seen.push(metrics) });
      const rewards = seen.map(({ reward }) => reward);
      expect(mean(rewards.slice(-4))).toBeGreaterThan(mean(rewards.slice(0, 2)) + 0.2);
    });
  }

  for (const name of ["gspo", "ppo"] as const) {
    it(`${name} begins each step at ratio 1, with nothing clipped`, async () => {
      const seen: StepMetrics[] = [];
      const algorithm = { ...quick(presets[name]), epochs: 1, minibatches: 1 };
      const run = options(`first ${name}`, await temporaryFolder(), algorithm, 4);
      await train({ ...run, onStep: ({ metrics }) => void seen.push(metrics) });
      for (const { approxKl, clipFraction } of seen) {
        expect(approxKl).toBeLessThan(1e-9);
        expect(clipFraction).toBe(0);
      }
      expect(Math.abs(seen[0]!.kl)).toBeLessThan(1e-9);
    });
  }

  it("PPO's critic comes to explain the returns", async () => {
    const seen: StepMetrics[] = [];
    const run = options("explained", await temporaryFolder(), quick(presets.ppo), 16);
    await train({ ...run, onStep: ({ metrics }) => void seen.push(metrics) });
    expect(seen[0]!.explainedVariance).toBe(0);
    expect(mean(seen.slice(4, 10).map(({ explainedVariance }) => explainedVariance!))).toBeGreaterThan(0.1);
    expect(seen.every(({ valueLoss, criticGradientNorm }) => valueLoss! > 0 && criticGradientNorm! > 0)).toBe(true);
    expect(seen.every(({ droppedGroups }) => droppedGroups === 0)).toBe(true);
  });

  it("stopped and resumed gives the same bytes as uninterrupted: critic, moments, and a KL coefficient on its way", async () => {
    const algorithm = { ...quick(presets.ppo), klTarget: 0.5 };
    const [whole, parts] = [await temporaryFolder(), await temporaryFolder()];
    await train(options("whole", whole, algorithm, 8));
    await train(options("parts", parts, algorithm, 4));
    await train({ ...options("parts", parts, algorithm, 8), resume: true });
    expect((await trainingBytes(engine, "parts")).equals(await trainingBytes(engine, "whole"))).toBe(true);
    for (const file of ["metrics.jsonl", "checkpoint-8/critic/training.safetensors", "checkpoint-8/algorithm.json"]) {
      const [a, b] = await Promise.all([whole, parts].map((out) => readFile(join(out, file))));
      expect(a!.equals(b!), file).toBe(true);
    }
    const coefficients = (await readFile(join(whole, "metrics.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as StepMetrics).klCoefficient);
    expect(new Set(coefficients).size).toBeGreaterThan(4);
  });

  it("DAPO counts the batches that it sampled in place of groups without variance, and gives up at its limit", async () => {
    const task = sayTarget(engine, "poor");
    const poor = {
      ...task,
      rollouts: async (...args: Parameters<typeof task.rollouts>) =>
        (await task.rollouts(...args)).map((group) => ({
          ...group,
          rollouts: group.rollouts.map((rollout) => ({
            ...rollout,
            outcome: group.item === "a" ? rollout.outcome : 0,
          })),
        })),
    };
    const seen: StepMetrics[] = [];
    const run = options("poor", await temporaryFolder(), quick(presets.dapo), 3);
    await train({ ...run, task: poor, onStep: ({ metrics }) => void seen.push(metrics) });
    for (const { extraBatches, groups, droppedGroups } of seen) {
      expect(groups).toBe(4);
      expect(droppedGroups).toBeGreaterThanOrEqual(3);
      expect(extraBatches).toBeGreaterThan(0);
    }
  });
});
