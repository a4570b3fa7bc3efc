import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EngineError } from "../../src/errors.js";
import type { UpdateRequest, UpdateResult } from "../../src/model/engine/engine.js";
import { grpo } from "../../src/train/presets/grpo.js";
import type { Task } from "../../src/train/rollout.js";
import { AlarmError } from "../../src/train/run/alarms.js";
import { readTrainedOn } from "../../src/train/tasks/conversations.js";
import type { TrainOptions } from "../../src/train/train-options.js";
import { train } from "../../src/train/trainer.js";
import { temporaryFolder } from "../model/reference.js";
import { ScriptedEngine } from "./scripted-engine.js";

/** Its gradient explodes at the eighth update. */
class ExplodingEngine extends ScriptedEngine {
  constructor(private readonly failing: "norm" | "none") {
    super(() => "");
  }

  override async update(adapter: string, request: UpdateRequest): Promise<UpdateResult> {
    const result = await super.update(adapter, request);
    return this.failing === "norm" && this.updates.length === 8 ? { ...result, gradientNorm: 40 } : result;
  }
}

const conversations = [{ id: "one", opening: "a1" }];

const task: Task = {
  name: "toy",
  items: ["a", "b"],
  skipped: { "no linked question": 3 },
  conversations,
  rollouts: async (items) =>
    items.map((item) => ({
      item,
      rollouts: [1, 0].map((outcome, i) => ({
        samples: [{ promptIds: [1], responseIds: [2, 3], logprobs: [-1, -1], truncated: i === 1 }],
        outcome,
        format: 1 - i,
        operations: {},
      })),
    })),
};

const options = (engine: ScriptedEngine, out: string): TrainOptions => ({
  // The trainer knows a model by the files of its folder.
  engine: Object.assign(engine, { info: { ...engine.info, folder: out } }),
  adapter: "a",
  lora: { rank: 1, alpha: 1, seed: 1 },
  task,
  steps: 10,
  batchSize: 2,
  groupSize: 2,
  temperature: 1,
  seed: 1,
  algorithm: grpo,
  out,
  checkpointEvery: 3,
  resume: false,
});

const lines = async (out: string) =>
  (await readFile(join(out, "metrics.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly step: number; readonly alarms?: readonly { kind: string }[] });

describe("a watched run", () => {
  it("writes an alarm into the metrics of its step, and goes on", async () => {
    const out = await temporaryFolder();
    await train(options(new ExplodingEngine("norm"), out));
    const found = await lines(out);
    expect(found.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(found.flatMap(({ step, alarms = [] }) => alarms.map(({ kind }) => [step, kind]))).toEqual([
      [8, "exploding-gradient"],
    ]);
  });

  it("that is to stop at an alarm ends there with a typed error that names it, and keeps its last checkpoint", async () => {
    const out = await temporaryFolder();
    const seen: number[] = [];
    const stopped = train({
      ...options(new ExplodingEngine("norm"), out),
      stopOnAlarm: true,
      onStep: ({ step }) => void seen.push(step),
    });
    const error = await stopped.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AlarmError);
    expect(String(error)).toMatch(/step 8: .*exploding-gradient: gradient norm 40 .*checkpoint-6.* is kept; look at/);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect((await lines(out)).at(-1)).toMatchObject({ step: 8, alarms: [{ kind: "exploding-gradient" }] });
    expect((await readdir(out)).filter((name) => name.startsWith("checkpoint-")).sort()).toEqual([
      "checkpoint-3",
      "checkpoint-6",
    ]);
  });

  it("follows the thresholds that it is given", async () => {
    const engine = new ExplodingEngine("norm");
    await train({ ...options(engine, await temporaryFolder()), stopOnAlarm: true, alarms: { gradientFactor: 50 } });
    expect(engine.updates).toHaveLength(10);
  });

  it("ends with counts of what was sampled and what of it taught nothing, also when it was resumed", async () => {
    const [whole, parts] = [await temporaryFolder(), await temporaryFolder()];
    const summary = await train(options(new ExplodingEngine("none"), whole));
    expect(summary).toEqual({
      steps: 10,
      groups: 20,
      droppedGroups: 0,
      responses: 40,
      truncatedResponses: 20,
      unparsableResponses: 20,
      skippedCalls: 0,
      skipped: { "no linked question": 3 },
    });
    await train({ ...options(new ExplodingEngine("none"), parts), stopOnAlarm: true, steps: 6 });
    expect(await train({ ...options(new ExplodingEngine("none"), parts), resume: true })).toEqual(summary);
  });

  it("leaves beside its adapter what that learned, and from which conversations", async () => {
    const out = await temporaryFolder();
    await train(options(new ExplodingEngine("none"), out));
    expect(await readTrainedOn(join(out, "adapter"))).toEqual({ task: "toy", conversations });
  });

  it("hands on the engine's refusal of a loss that is not a number", async () => {
    const engine = new ScriptedEngine(() => "");
    engine.update = () => Promise.reject(new EngineError({ what: "the loss is not a number", remedy: "lower it" }));
    await expect(train(options(engine, await temporaryFolder()))).rejects.toThrow(EngineError);
  });
});
