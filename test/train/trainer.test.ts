import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyEngine } from "../../src/model/engine/engine.js";
import { grpo } from "../../src/train/presets/grpo.js";
import { startingPoint } from "../../src/train/run/starting-point.js";
import { readAdapterRetrieval } from "../../src/train/tasks/adapter-retrieval.js";
import { type Progress, type TrainOptions, trainDefaults } from "../../src/train/train-options.js";
import { train } from "../../src/train/trainer.js";
import { temporaryFolder } from "../model/reference.js";
import { lora, openTinyEngine, trainingBytes } from "./tiny-policy.js";
import { beginWithTarget } from "./toy-task.js";

describe("training", () => {
  let engine: PolicyEngine;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ engine, close } = await openTinyEngine());
  });
  afterAll(() => close());

  const options = (adapter: string, out: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
    engine,
    adapter,
    lora,
    task: beginWithTarget(engine, adapter),
    steps: 10,
    batchSize: 3,
    groupSize: 16,
    temperature: 1,
    seed: 3,
    algorithm: { ...grpo, formatWeight: 0, optimizer: { learningRate: 2e-2 } },
    out,
    checkpointEvery: 5,
    resume: false,
    ...more,
  });
  const metricsOf = (out: string) => readFile(join(out, "metrics.jsonl"), "utf8");

  it("raises the reward", async () => {
    const out = await temporaryFolder();
    const seen: Progress[] = [];
    const onStep = (progress: Progress) => void seen.push(progress);
    await train(options("learner", out, { steps: 20, onStep }));
    const rewards = seen.map(({ metrics }) => metrics.reward);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(rewards.slice(-5))).toBeGreaterThan(mean(rewards.slice(0, 3)) + 0.3);
    expect(seen.map(({ step, steps }) => [step, steps])).toEqual(seen.map((_, i) => [i + 1, 20]));
    const lines = (await metricsOf(out)).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(seen.map(({ step, metrics }) => ({ step, ...metrics })));
  });

  it("gives the same bytes for the same seed, stopped and resumed or not, and others for another", async () => {
    const [whole, parts, other] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
    await train(options("whole", whole));
    await train(options("parts", parts, { steps: 5 }));
    // The steps after the last checkpoint are lost with the process; their metrics are not to be told twice.
    await writeFile(join(parts, "metrics.jsonl"), `${await metricsOf(parts)}{"step":6}\n{"step":`);
    await train(options("parts", parts, { resume: true }));
    expect((await trainingBytes(engine, "parts")).equals(await trainingBytes(engine, "whole"))).toBe(true);
    expect(await metricsOf(parts)).toBe(await metricsOf(whole));
    const adapter = (out: string) => readFile(join(out, "adapter", "adapter_model.safetensors"));
    expect((await adapter(parts)).equals(await adapter(whole))).toBe(true);
    await train(options("other", other, { seed: 4 }));
    expect((await adapter(other)).equals(await adapter(whole))).toBe(false);
  });

  it("does as trainDefaults where its options say nothing, with the run's seed for the adapter", async () => {
    const {
      batchSize,
      groupSize,
      temperature,
      checkpointEvery,
      resume,
      lora: given,
      ...rest
    } = options("least", "nowhere");
    const { settings } = await startingPoint(rest);
    expect(settings).toMatchObject({ batchSize: 16, groupSize: 8, temperature: 1 });
    expect(settings).toMatchObject({ "lora.rank": 16, "lora.alpha": 32, "lora.seed": 3 });
    expect(await startingPoint({ ...rest, ...trainDefaults, lora: { ...trainDefaults.lora, seed: 3 } })).toEqual(
      await startingPoint(rest),
    );
  });

  it("writes beside adapter and checkpoints how answers' memories are chosen in the task, where it says so", async () => {
    const [told, untold] = [await temporaryFolder(), await temporaryFolder()];
    const retrieval = { memoriesPerSpeaker: 4, namedSpeakersOnly: true };
    const task = { ...beginWithTarget(engine, "told"), retrieval };
    await train(options("told", told, { task, steps: 1 }));
    await train(options("untold", untold, { steps: 1 }));
    expect(await readAdapterRetrieval(join(told, "adapter"))).toEqual(retrieval);
    expect(await readAdapterRetrieval(join(told, "checkpoint-1"))).toEqual(retrieval);
    expect(await readAdapterRetrieval(join(untold, "adapter"))).toBeUndefined();
  });

  it("from the start in the folder of an old run neither keeps nor goes on from what that left", async () => {
    const [fresh, used] = [await temporaryFolder(), await temporaryFolder()];
    await train(options("old", used, { steps: 6, checkpointEvery: 2 }));
    await mkdir(join(used, "checkpoint-9.partial"));
    await train(options("new", used, { steps: 2, checkpointEvery: 2 }));
    await train(options("fresh", fresh, { steps: 2, checkpointEvery: 2 }));
    expect((await readdir(used)).sort()).toEqual((await readdir(fresh)).sort());
    expect(await metricsOf(used)).toBe(await metricsOf(fresh));
    expect((await trainingBytes(engine, "new")).equals(await trainingBytes(engine, "fresh"))).toBe(true);
  });
});
