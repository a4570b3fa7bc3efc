import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../src/errors.js";
import { Random } from "../src/random.js";
import { presets } from "../src/train/presets/index.js";
import type { TrainOptions } from "../src/train/train-options.js";
import { train } from "../src/train/trainer.js";
import { compileWriter, killWhileWriting } from "../test/train/checkpoint-killing.js";
import { type RunDigests, runDigests } from "../test/train/run-digests.js";
import { trainAndStop } from "../test/train/stopped-run.js";
import { lora, openTinyEngine } from "../test/train/tiny-policy.js";
import { sayTarget } from "../test/train/toy-task.js";

/**
 * What a training run keeps when it is stopped, with a small random model and a toy task: the same seed twice; a stop after each of the
 * first steps, resumed by a new engine; and kill -9 while checkpoints are written. Prints counts, and exits with 1 on a miss.
 */
const { values } = parseArgs({
  options: {
    algorithms: { type: "string", default: "grpo,dapo,ppo" },
    steps: { type: "string", default: "20" },
    resumes: { type: "string", default: "10" },
    kills: { type: "string", default: "100" },
  },
});
const steps = Number(values.steps);
const resumes = Number(values.resumes);
const kills = Number(values.kills);

const folder = await mkdtemp(join(tmpdir(), "memory-r1-resume-"));
let missed = 0;

/** Trains with an engine of its own, as another process would. */
async function withEngine(out: string, name: string, run: (options: TrainOptions) => Promise<unknown>): Promise<void> {
  const { engine, close } = await openTinyEngine();
  const preset = presets[name as keyof typeof presets];
  const steered = preset.critic === null ? {} : { klTarget: 0.5, minibatches: 2 };
  try {
    await run({
      engine,
      adapter: "agent",
      lora,
      task: sayTarget(engine, "agent"),
      steps,
      batchSize: 3,
      groupSize: 4,
      temperature: 1,
      seed: 3,
      algorithm: { ...preset, ...steered, maxResponseLength: 3, optimizer: { learningRate: 2e-2 } },
      out,
      checkpointEvery: steps,
      resume: false,
    });
  } finally {
    await close();
  }
}

/** Says which digests differ, and counts the miss. */
function same(what: string, found: RunDigests, expected: RunDigests): boolean {
  const names = Object.keys(expected) as (keyof RunDigests)[];
  const differ = names.filter((name) => found[name] !== expected[name]);
  if (differ.length > 0) {
    missed++;
    print(`${what}: other ${differ.join(", ")}`);
  }
  return differ.length === 0;
}

const print = (line: string) => process.stdout.write(`${line}\n`);

async function resumed(name: string): Promise<void> {
  const whole = join(folder, `${name}-whole`);
  const again = join(folder, `${name}-again`);
  for (const out of [whole, again]) await withEngine(out, name, train);
  const expected = await runDigests(whole);
  const equal = same(`${name} again`, await runDigests(again), expected);
  print(`${name}: same seed twice, ${steps} steps: ${equal ? "identical" : "DIFFERENT"}`);
  for (const [part, digest] of Object.entries(expected)) print(`  ${part.padEnd(7)} ${digest}`);
  let right = 0;
  for (let after = 1; after <= resumes; after++) {
    const out = join(folder, `${name}-${after}`);
    await withEngine(out, name, (options) => trainAndStop(options, after));
    await withEngine(out, name, (options) => train({ ...options, resume: true }));
    right += Number(same(`${name} resumed after step ${after}`, await runDigests(out), expected));
  }
  print(`${name}: resumed after each of steps 1 to ${resumes}, on to ${steps}: ${right} of ${resumes} equal`);
}

async function killed(): Promise<void> {
  const writer = await compileWriter(join(folder, "writer"));
  const out = join(folder, "killed");
  const random = new Random(1);
  let [whole, midway, from] = [0, 0, 1];
  for (let round = 1; round <= kills; round++) {
    try {
      const kill = await killWhileWriting(writer, out, from, random);
      whole++;
      midway += Number(kill.midway);
      from = kill.step + 1;
    } catch (error) {
      missed++;
      print(`kill ${round}: ${messageOf(error)}`);
      await rm(out, { recursive: true, force: true });
      from = 1;
    }
  }
  print(`kill -9 while checkpoints are written: ${whole} of ${kills} times all checkpoints are whole`);
  print(`  ${midway} of these left one half-written or half-removed under another name`);
}

try {
  for (const name of values.algorithms.split(",").filter((name) => name !== "")) await resumed(name);
  if (kills > 0) await killed();
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = missed === 0 ? 0 : 1;
