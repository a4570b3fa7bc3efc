import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyEngine } from "../../src/model/engine/engine.js";
import { presets } from "../../src/train/presets/index.js";
import { latestCheckpoint, openCheckpoint } from "../../src/train/run/checkpoint.js";
import { startingPoint } from "../../src/train/run/starting-point.js";
import { eventFiles } from "../../src/train/run/tensorboard.js";
import { readTrainedOn } from "../../src/train/tasks/conversations.js";
import type { TrainOptions } from "../../src/train/train-options.js";
import { train } from "../../src/train/trainer.js";
import { temporaryFolder } from "../model/reference.js";
import { runDigests } from "./run-digests.js";
import { trainAndStop } from "./stopped-run.js";
import { lora, openTinyEngine } from "./tiny-policy.js";
import { sayTarget } from "./toy-task.js";

let engine: PolicyEngine;
let close: () => Promise<void>;
/** Of the runs that several tests go on from. */
let runs: string;
beforeAll(async () => {
  ({ engine, close } = await openTinyEngine());
  runs = await mkdtemp(join(tmpdir(), "memory-r1-resume-"));
});
afterAll(async () => {
  await close();
  await rm(runs, { recursive: true, force: true });
});

const conversation = (id: string) => ({ id, opening: null });

function options(out: string, more: Partial<TrainOptions> = {}): TrainOptions {
  return {
    engine,
    adapter: "agent",
    lora,
    task: { ...sayTarget(engine, "agent"), conversations: [conversation("conv-1")] },
    steps: 6,
    batchSize: 3,
    groupSize: 4,
    temperature: 1,
    seed: 3,
    algorithm: {
      ...presets.grpo,
      clipHigh: 0.2,
      formatWeight: 0,
      maxResponseLength: 3,
      optimizer: { learningRate: 2e-2 },
    },
    settings: { reward: "share" },
    out,
    checkpointEvery: 3,
    resume: false,
    ...more,
  };
}

/** Steps of a PPO run whose critic, moments and KL coefficient all matter. */
const ppo: TrainOptions["algorithm"] = {
  ...presets.ppo,
  maxResponseLength: 3,
  klTarget: 0.5,
  minibatches: 2,
  optimizer: { learningRate: 2e-2 },
};

describe("a run that goes on", () => {
  it.each([
    ["grpo", {}],
    ["ppo, with a critic and a KL coefficient on its way", { algorithm: ppo }],
  ])("after any step comes to the SHA-256 of the uninterrupted run: %s", async (_, more) => {
    const whole = await temporaryFolder();
    await train(options(whole, more));
    for (const after of [1, 2, 4]) {
      const out = await temporaryFolder();
      await trainAndStop(options(out, more), after);
      expect((await latestCheckpoint(out))!.step).toBe(after);
      await train(options(out, { ...more, resume: true }));
      expect(await runDigests(out)).toEqual(await runDigests(whole));
    }
  });

  describe("refuses", () => {
    let out: string;
    beforeAll(async () => {
      out = join(runs, "short");
      await train(options(out, { steps: 3 }));
    });

    it.each<[string, Partial<TrainOptions>, string, string]>([
      ["another seed", { seed: 4 }, "seed 3", "seed 4"],
      ["another batch", { batchSize: 2, groupSize: 5 }, "batchSize 3, groupSize 4", "batchSize 2, groupSize 5"],
      ["another adapter", { lora: { ...lora, alpha: 9 } }, "lora.alpha 8", "lora.alpha 9"],
      [
        "another clip, also at infinity",
        { algorithm: { ...options("").algorithm, clipHigh: Number.POSITIVE_INFINITY } },
        "algorithm.clipHigh 0.2",
        'algorithm.clipHigh "Infinity"',
      ],
      ["another reward", { settings: { reward: "f1" } }, 'task.reward "share"', 'task.reward "f1"'],
    ])("%s, naming both values", async (_, change, expected, found) => {
      await expect(startingPoint(options(out, { ...change, resume: true }))).rejects.toMatchObject({
        name: "UsageError",
        where: join(out, "checkpoint-3"),
        expected,
        found,
        remedy: expect.stringContaining("fork (--fork)"),
      });
    });

    it("groups of one attempt, which teach nothing without a critic", async () => {
      await expect(startingPoint(options(await temporaryFolder(), { groupSize: 1 }))).rejects.toThrow(
        "groupSize (--group)",
      );
      const critic = options(await temporaryFolder(), { groupSize: 1, algorithm: ppo });
      expect((await startingPoint(critic)).step).toBe(0);
    });

    it("another algorithm, task or model", async () => {
      const task = sayTarget(engine, "agent");
      const moved = Object.create(engine, { info: { value: { ...engine.info, folder: out } } }) as PolicyEngine;
      for (const [change, says] of [
        [{ algorithm: ppo }, /algorithm\.critic.*algorithm\.klTarget null/],
        [{ task: { ...task, items: task.items.slice(1) } }, /task\.items 4/],
        [{ task: { ...task, name: "other" } }, /expected task\.name "toy"; found task\.name "other"/],
        [{ engine: moved }, /expected model\.weights "[0-9a-f]{64}"/],
      ] as const) {
        await expect(startingPoint(options(out, { ...change, resume: true }))).rejects.toThrow(says);
      }
    });

    it("fewer steps than it has made; more are fine", async () => {
      await expect(startingPoint(options(out, { steps: 2, resume: true }))).rejects.toThrow(
        /expected steps \(--steps\) of 3 or more/,
      );
      expect((await startingPoint(options(out, { steps: 9, resume: true }))).step).toBe(3);
    });

    it("a folder without a checkpoint", async () => {
      const empty = await temporaryFolder();
      await expect(train(options(empty, { resume: true }))).rejects.toMatchObject({ name: "UsageError", where: empty });
    });

    it("a damaged checkpoint, and changes nothing", async () => {
      const damaged = await temporaryFolder();
      await train(options(damaged, { steps: 3 }));
      const file = join(damaged, "checkpoint-3", "training.safetensors");
      const bytes = await readFile(file);
      bytes[bytes.length - 1]! ^= 1;
      await writeFile(file, bytes);
      await writeFile(join(damaged, "metrics.jsonl"), "as it was");
      await expect(train(options(damaged, { resume: true }))).rejects.toMatchObject({ name: "FileError", where: file });
      expect(await readFile(join(damaged, "metrics.jsonl"), "utf8")).toBe("as it was");
    });
  });

  it("writes the event files of what was done again anew, and begins them with the past where there are none", async () => {
    const out = await temporaryFolder();
    let now = 1_700_000_000_000;
    const tick = () => now++;
    await train(options(out, { steps: 3, tensorboard: { now: tick } }));
    await train(options(out, { resume: true, tensorboard: { now: tick } }));
    expect((await eventFiles(out)).map((name) => name.replace(/\d{13}/, ""))).toEqual([
      "events.out.tfevents..memory-r1",
      "events.out.tfevents..memory-r1.3",
    ]);
    const fork = await temporaryFolder();
    await train(options(fork, { fork: join(out, "checkpoint-3"), steps: 4, tensorboard: { now: tick } }));
    const [only, ...others] = await eventFiles(fork);
    expect(others).toEqual([]);
    const text = (await readFile(join(fork, only!))).toString("latin1");
    expect(text.match(/gradientNorm/g)).toHaveLength(4);
    await train(options(out, { steps: 1 }));
    expect(await eventFiles(out)).toEqual([]);
  });
});

describe("a fork", () => {
  let source: string;
  beforeAll(async () => {
    source = join(runs, "source");
    await train(options(source));
  });
  const manifestOf = async (out: string) => openCheckpoint((await latestCheckpoint(out))!);

  it("without changes goes on as its source does, and leaves that as it was", async () => {
    const [out, before] = [await temporaryFolder(), await runDigests(source)];
    await train(options(out, { fork: join(source, "checkpoint-3") }));
    expect(await runDigests(out)).toEqual(before);
    expect(await runDigests(source)).toEqual(before);
    expect(await manifestOf(out)).toMatchObject({
      origin: {
        folder: join(source, "checkpoint-3"),
        step: 3,
        manifest: expect.stringMatching(/^[0-9a-f]{64}$/),
        changed: [],
      },
    });
  });

  it("may change what it likes: it says what, begins a critic, and is itself resumed and forked", async () => {
    const [out, second] = [await temporaryFolder(), await temporaryFolder()];
    const changes = { algorithm: ppo, seed: 8, settings: { reward: "f1" } };
    const task = { ...sayTarget(engine, "agent"), conversations: [conversation("conv-2")] };
    await train(options(out, { ...changes, task, fork: source, steps: 7 }));
    const { origin, step, cursor } = await manifestOf(out);
    expect([step, cursor]).toEqual([7, { epoch: 0, position: 3, deferred: [] }]);
    expect(origin!.changed).toContainEqual({ setting: "seed", from: 3, to: 8 });
    expect(origin!.changed).toContainEqual({ setting: "task.reward", from: "share", to: "f1" });
    expect(origin!.changed).toContainEqual({ setting: "algorithm.critic.gamma", to: ppo.critic!.gamma });
    expect(
      (await readFile(join(out, "metrics.jsonl"), "utf8")).startsWith(
        await readFile(join(source, "metrics.jsonl"), "utf8"),
      ),
    ).toBe(true);
    const { conversations } = await readTrainedOn(join(out, "adapter"));
    expect(conversations).toEqual([conversation("conv-1"), conversation("conv-2")]);
    await train(options(out, { ...changes, task, steps: 8, resume: true }));
    expect((await manifestOf(out)).origin).toEqual(origin);
    await train(options(second, { fork: out, steps: 9 }));
    expect((await manifestOf(second)).origin).toMatchObject({ folder: join(out, "checkpoint-8"), step: 8 });
  });

  it("is refused into its source's folder, beside --resume, with another rank, and from what is no checkpoint", async () => {
    const out = await temporaryFolder();
    for (const [change, says] of [
      [{ out: source, fork: source }, /a fork needs a folder of its own/],
      [{ fork: source, resume: true }, /fork \(--fork\).*resume \(--resume\) too/],
      [{ fork: source, lora: { ...lora, rank: 2 } }, /expected lora.rank 4; found lora.rank 2/],
      [{ fork: source, steps: 5 }, /expected steps \(--steps\) of 6 or more; found 5/],
      [{ fork: join(source, "none") }, /none: there is no checkpoint.*found nothing there/],
      [{ fork: join(source, "adapter") }, /there is no checkpoint.*a run's folder/],
    ] as const) {
      await expect(train(options(out, change))).rejects.toThrow(says);
    }
    expect(await readdir(out)).toEqual([]);
  });
});
