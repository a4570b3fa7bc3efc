import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { device, nonNegative, positive } from "../src/cli/options/options.js";
import type { Generation, PolicyEngine, PolicyGroup } from "../src/model/engine/engine.js";
import { openEngine } from "../src/model/engine/open-engine.js";
import { type Precision, precisions } from "../src/model/graph/precision.js";
import type { Device } from "../src/onnx/device.js";
import { Random } from "../src/random.js";
import { PeakMemory } from "./peak-memory.js";
import { profileTable } from "./profile-table.js";
import { type ShapeName, shapes, writeRandomCheckpoint } from "./random-checkpoint.js";

/**
 * One GRPO step by phases on random weights of a named shape: rollout, scores of the policy and of the reference, update. One JSON line per phase.
 * Defaults are the workload that transformers + peft and vLLM were measured on: 8 prompts of 2048 tokens, groups of 8, 128 new tokens, LoRA of rank 16.
 */
interface Options {
  readonly shape: ShapeName;
  readonly device: Device;
  readonly precision?: Precision;
  readonly promptLength: number;
  readonly newTokens: number;
  readonly group: number;
  readonly rows: number;
  readonly rounds: number;
  readonly batchGb?: number;
  readonly threads?: number;
  readonly separate?: true;
  readonly growth?: true;
  readonly profile?: true;
}

interface Workload {
  readonly promptLength: number;
  readonly newTokens: number;
  readonly group: number;
  readonly prompts: number;
}

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const seconds = (value: number): number => Number(value.toFixed(4));

/** Repeats one step and prints the median of each phase; the first `warmups` rounds are not counted. */
async function measure(
  engine: PolicyEngine,
  memory: PeakMemory,
  { promptLength, newTokens, group, prompts }: Workload,
  rounds: number,
  warmups: number,
): Promise<void> {
  const { vocabularySize } = engine.info;
  const times = new Map<string, number[]>();
  const peaks = new Map<string, number>();
  const note: Record<string, number> = {};
  for (let round = -warmups; round < rounds; round++) {
    const timed = async <T>(phase: string, work: () => Promise<T>): Promise<T> => {
      memory.take();
      const start = performance.now();
      const result = await work();
      const spent = (performance.now() - start) / 1000;
      if (round < 0) print({ phase, warm_up_s: seconds(spent) });
      else times.set(phase, [...(times.get(phase) ?? []), spent]);
      peaks.set(phase, Math.max(peaks.get(phase) ?? 0, memory.take()));
      return result;
    };
    const random = new Random(round + warmups);
    const ids = Array.from({ length: prompts }, () =>
      Array.from({ length: promptLength }, () => 3 + random.int(vocabularySize - 3)),
    );
    const requests = ids.map((promptIds, i) => ({
      promptIds,
      count: group,
      maxNewTokens: newTokens,
      temperature: 1,
      seed: 1000 * round + i,
    }));
    const rollout = await timed("rollout", () => engine.generate(requests, { adapter: "policy", stopIds: [] }));
    const groups = ids.map((promptIds, i) => ({ promptIds, responses: rollout[i]!.map(({ ids: own }) => own) }));
    const old = await timed("old scores", () => engine.logprobs(groups, "policy"));
    const reference = await timed("reference scores", () => engine.logprobs(groups));
    const total = prompts * group * newTokens;
    const learned = groups.map(({ promptIds, responses }, i): PolicyGroup => {
      const perResponse = (value: () => number) =>
        responses.map((response) => new Array<number>(response.length).fill(value()));
      return {
        promptIds,
        responses,
        weights: perResponse(() => 1 / total),
        advantages: perResponse(() => 2 * random.next() - 1),
        oldLogprobs: old[i]!.logprobs,
        referenceLogprobs: reference[i]!.logprobs,
      };
    });
    const update = await timed("update", () =>
      engine.update("policy", {
        objective: "policy",
        groups: learned,
        clipLow: 0.2,
        clipHigh: 0.2,
        klCoefficient: 0.001,
        optimizer: { learningRate: 1e-5 },
      }),
    );
    note.gradient_norm = update.gradientNorm;
    note.rollout_from_score = meanDifference(
      rollout.flat(),
      old.flatMap(({ logprobs }) => logprobs),
    );
    note.score_from_update = meanDifference(
      old.flatMap(({ logprobs }) => logprobs.map((row) => ({ logprobs: row }))),
      update.logprobs.flat(),
    );
  }
  const workload = {
    prompt_length: promptLength,
    new_tokens: newTokens,
    group,
    prompts,
    tokens: prompts * group * newTokens,
  };
  const unit = engine.info.device.startsWith("cuda") ? "gpu_gib" : "process_gib";
  for (const [phase, values] of times) {
    print({
      phase,
      s: seconds(median(values)),
      all: values.map(seconds),
      [`peak_${unit}`]: peaks.get(phase),
      ...workload,
    });
  }
  const step = [...times.values()].reduce((sum, values) => sum + median(values), 0);
  print({ phase: "step", s: seconds(step), [`peak_${unit}`]: Math.max(...peaks.values()), ...workload, ...note });
}

/** Mean |difference| of log-probabilities that should be nearly the same. */
function meanDifference(a: readonly Pick<Generation, "logprobs">[], b: readonly (readonly number[])[]): number {
  const differences = a.flatMap(({ logprobs }, row) => logprobs.map((x, i) => Math.abs(x - b[row]![i]!)));
  return Number((differences.reduce((sum, x) => sum + x, 0) / differences.length).toPrecision(3));
}

const command = new Command("grpo-step")
  .addOption(new Option("--shape <name>").choices(Object.keys(shapes)).default("qwen2.5-0.5b"))
  .option("--device <device>", "cpu, cuda, cuda:N or webgpu", device, "cpu")
  .addOption(new Option("--precision <name>", "default: the device's").choices(precisions))
  .option("--prompt-length <n>", "tokens of each prompt", positive, 2048)
  .option("--new-tokens <n>", "tokens of each response", positive, 128)
  .option("--group <n>", "responses of each prompt", positive, 8)
  .option("--rows <n>", "responses in all", positive, 64)
  .option("--rounds <n>", "steps whose median is taken, after one to warm up", positive, 3)
  .option("--batch-gb <n>", "gigabytes of a batch's activations", nonNegative)
  .option(
    "--threads <n>",
    "threads of the runtime on the host; 0 lets it choose; default 0 on a CPU, else 1",
    nonNegative,
  )
  .option("--separate", "a session for each phase instead of one for all")
  .option("--growth", "steps of growing prompts, groups and numbers of rows")
  .option("--profile", "time by operator; with CUDA_LAUNCH_BLOCKING=1 that of kernels, else of launching them");

const options = command.parse().opts<Options>();
const folder = mkdtempSync(join(tmpdir(), "grpo-step-"));
try {
  const started = performance.now();
  const weights = options.precision ?? (options.device.startsWith("cuda") ? "bfloat16" : "float32");
  writeRandomCheckpoint(folder, shapes[options.shape], weights);
  const written = performance.now();
  const memory = new PeakMemory(options.device);
  const prefix = join(folder, "profile");
  const engine = await openEngine({
    folder,
    device: options.device,
    ...(options.precision === undefined ? {} : { precision: options.precision }),
    ...(options.batchGb === undefined ? {} : { batchBytes: options.batchGb * 1e9 }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.separate ? { united: false } : {}),
    ...(options.profile ? { profilePrefix: prefix } : {}),
  });
  const { parameters, precision } = engine.info;
  print({
    shape: options.shape,
    parameters,
    device: options.device,
    precision,
    written_s: seconds((written - started) / 1000),
  });
  await engine.createAdapter("policy", { rank: 16, alpha: 32, seed: 1 });
  const { promptLength, newTokens, group, rows, rounds } = options;
  const base: Workload = { promptLength, newTokens, group, prompts: Math.ceil(rows / group) };
  await measure(engine, memory, base, rounds, 1);
  if (options.growth) {
    for (const length of [512, 1024, 4096]) await measure(engine, memory, { ...base, promptLength: length }, 2, 1);
    for (const size of [4, 16, 32]) await measure(engine, memory, { ...base, group: size }, 2, 1);
    for (const prompts of [2, 4, 16]) await measure(engine, memory, { ...base, prompts }, 2, 1);
  }
  await engine.close();
  memory.stop();
  if (options.profile) for (const row of profileTable(prefix, 1 / (1 + rounds))) print(row);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
