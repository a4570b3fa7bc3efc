import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { algorithmOf } from "../src/cli/algorithm-options.js";
import { openModels } from "../src/cli/models.js";
import type { StepMetrics } from "../src/train/metrics.js";
import { type AlgorithmName, algorithmNames } from "../src/train/presets/index.js";
import type { Task } from "../src/train/rollout.js";
import { train } from "../src/train/trainer.js";
import { type Curve, plotCurves } from "./algorithm-plot.js";
import { World } from "./algorithm-world.js";

/**
 * The algorithms side by side on the synthetic world: each trains the memory manager of the tiny model from the same recordings, with
 * equal numbers of rollouts, for several seeds. The answer agent stays as it is: over a well-kept bank it has little left to learn. Prints one table; writes the numbers and a plot beside them.
 */
const { values } = parseArgs({
  options: {
    algorithms: { type: "string", default: algorithmNames.join(",") },
    seeds: { type: "string", default: "1,2,3" },
    dialogues: { type: "string", default: "12" },
    "test-dialogues": { type: "string", default: "8" },
    steps: { type: "string", default: "18" },
    batch: { type: "string", default: "16" },
    group: { type: "string", default: "8" },
    "learning-rate": { type: "string", default: "2e-3" },
    device: { type: "string", default: "cpu" },
    out: { type: "string", default: "runs/algorithms.json" },
  },
});
const batchSize = Number(values.batch);
const groupSize = Number(values.group);
/** Steps at the end of training whose mean reward the table shows. */
const LAST = 5;

interface Trained {
  /** After each step: groups attempted so far, and that step's metrics. */
  readonly steps: readonly { readonly groups: number; readonly metrics: StepMetrics }[];
  readonly seconds: number;
}

interface Result extends Trained {
  readonly algorithm: AlgorithmName;
  readonly seed: number;
  /** On held-out dialogues. */
  readonly exactMatch: number;
}

/** Ends a training that has used up its rollouts. */
class Spent extends Error {}

const models = await openModels({ seed: 0, device: values.device as "cpu", temperature: 0, maxNewTokens: 96 });
const results: Result[] = [];
const baselines: { readonly seed: number; readonly exactMatch: number }[] = [];
try {
  for (const seed of values.seeds.split(",").map(Number)) {
    const counts = { dialogues: Number(values.dialogues), testDialogues: Number(values["test-dialogues"]) };
    const world = await World.create(models, { seed, ...counts });
    const exactMatch = await world.exactMatch(undefined);
    baselines.push({ seed, exactMatch });
    tell(`seed ${seed}: untrained EM ${exactMatch.toFixed(3)}`);
    for (const algorithm of values.algorithms.split(",") as AlgorithmName[]) {
      const result = await compete(world, algorithm, seed);
      results.push(result);
      tell(`seed ${seed}: ${algorithm} EM ${result.exactMatch.toFixed(3)} after ${result.seconds.toFixed(0)} s`);
      await write();
    }
  }
} finally {
  await models.close();
}
process.stdout.write(`${table()}\n`);

async function compete(world: World, algorithm: AlgorithmName, seed: number): Promise<Result> {
  const adapter = `${algorithm} ${seed}`;
  const trained = await run(world.managerTask(adapter), adapter, algorithm, seed);
  return { algorithm, seed, ...trained, exactMatch: await world.exactMatch(adapter) };
}

/** Trains until `steps` batches of groups were attempted, however many of them one step takes. */
async function run(task: Task, adapter: string, name: AlgorithmName, seed: number): Promise<Trained> {
  const steps = Number(values.steps);
  const started = performance.now();
  const out = await mkdtemp(join(tmpdir(), "memory-r1-algorithms-"));
  const seen: { groups: number; metrics: StepMetrics }[] = [];
  const algorithm = algorithmOf({ algorithm: name, learningRate: Number(values["learning-rate"]) });
  const budget = steps * Math.min(batchSize, task.items.length);
  try {
    await train({
      engine: models.engine,
      adapter,
      lora: { rank: 16, alpha: 32, seed },
      task,
      steps,
      batchSize,
      groupSize,
      temperature: 1,
      seed,
      algorithm: { ...algorithm, maxResponseLength: models.base.sampling.maxNewTokens },
      out,
      checkpointEvery: steps,
      resume: false,
      onStep: ({ metrics }) => {
        const groups = (seen.at(-1)?.groups ?? 0) + metrics.groups;
        seen.push({ groups, metrics });
        if (groups >= budget) throw new Spent();
      },
    });
  } catch (error) {
    if (!(error instanceof Spent)) throw error;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
  return { steps: seen, seconds: (performance.now() - started) / 1000 };
}

const attempted = ({ steps }: Trained): number => steps.at(-1)?.groups ?? 0;

function lastReward({ steps }: Trained): number {
  return mean(steps.slice(-LAST).map(({ metrics }) => metrics.outcome));
}

function table(): string {
  const columns: [string, (result: Result) => number][] = [
    ["reward", lastReward],
    ["EM", ({ exactMatch }) => exactMatch],
    ["attempts", (result) => groupSize * attempted(result)],
    ["seconds", ({ seconds }) => seconds],
  ];
  const names = [...new Set(results.map(({ algorithm }) => algorithm))];
  const rows = names.map((name) => {
    const own = results.filter(({ algorithm }) => algorithm === name);
    return [
      name,
      ...columns.map(([title, of]) => spread(own.map(of), title === "seconds" || title === "attempts" ? 0 : 3)),
    ];
  });
  const untrained = spread(
    baselines.map(({ exactMatch }) => exactMatch),
    3,
  );
  const lines = [["", ...columns.map(([title]) => title)], ...rows, ["untrained", "-", untrained, "-", "-"]];
  const legend = `Mean ± deviation over ${baselines.length} seeds. Reward: outcome over the last ${LAST} steps; EM: exact match on held-out dialogues.`;
  return [
    ...lines.map((cells) => cells.map((cell, at) => (at === 0 ? cell.padEnd(10) : cell.padStart(16))).join("")),
    legend,
  ].join("\n");
}

async function write(): Promise<void> {
  await mkdir(dirname(values.out), { recursive: true });
  await writeFile(values.out, JSON.stringify({ settings: values, baselines, results }, null, 1));
  const curves: Curve[] = results.map(({ algorithm, steps }) => ({
    name: algorithm,
    points: steps.map(({ groups, metrics }) => [groups * groupSize, metrics.outcome]),
  }));
  await writeFile(
    values.out.replace(/(\.json)?$/, ".svg"),
    plotCurves(curves, { x: "attempts", y: "answers right after the manager's decision" }),
  );
}

function spread(numbers: readonly number[], digits: number): string {
  const centre = mean(numbers);
  const deviation = Math.sqrt(
    numbers.reduce((sum, value) => sum + (value - centre) ** 2, 0) / Math.max(numbers.length - 1, 1),
  );
  return numbers.length < 2 ? centre.toFixed(digits) : `${centre.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, value) => sum + value, 0) / Math.max(numbers.length, 1);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
