import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { algorithmOf } from "../src/cli/options/algorithm-options.js";
import { tinyModel } from "../src/model/checkpoint/tiny-model.js";
import { loadTokenizer } from "../src/model/checkpoint/tokenizer.js";
import { openEngine } from "../src/model/engine/open-engine.js";
import type { RewardName } from "../src/reward/rewards.js";
import { type AlgorithmName, algorithmNames } from "../src/train/presets/index.js";
import { train } from "../src/train/trainer.js";
import { plotCurves } from "./algorithm-plot.js";
import {
  curves,
  type Incentive,
  type Rates,
  type Result,
  type Results,
  readResults,
  resultTable,
} from "./algorithm-results.js";
import { maxNewTokens, World } from "./algorithm-world.js";

/**
 * The algorithms side by side on the synthetic world: each trains the memory manager of the tiny model from the same recordings, with
 * equal numbers of attempts, for several seeds, by each of the rewards with each weight of the credit of single operations. The answer agent
 * stays as it is: over a well-kept bank it has little left to learn. Prints
 * one table; writes the numbers and a plot beside them. With result files as arguments, of processes that had a part of the seeds or
 * algorithms each, it trains nothing and puts these together.
 */
const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    algorithms: { type: "string", default: algorithmNames.join(",") },
    rewards: { type: "string", default: "exact-match" },
    credits: { type: "string", default: "0" },
    seeds: { type: "string", default: "1,2,3" },
    dialogues: { type: "string", default: "10" },
    "test-dialogues": { type: "string", default: "6" },
    steps: { type: "string", default: "16" },
    batch: { type: "string", default: "16" },
    group: { type: "string", default: "8" },
    "learning-rate": { type: "string" },
    "critic-learning-rate": { type: "string" },
    threads: { type: "string", default: "0" },
    out: { type: "string", default: "runs/algorithms.json" },
  },
});

/** PPO's and DAPO's were chosen on seeds 4 and 5, which no table has. */
const rates: { readonly [K in AlgorithmName]: Rates } = {
  grpo: { learningRate: 2e-3 },
  "dr-grpo": { learningRate: 2e-3 },
  dapo: { learningRate: 2e-3 },
  gspo: { learningRate: 2e-3 },
  rloo: { learningRate: 2e-3 },
  // Four updates a step. The critic's head reads a hidden state whose numbers all move its value by the rate: ten times the policy's makes it swing.
  ppo: { learningRate: 1e-3, criticLearningRate: 1e-3 },
};

const incentives = (values.rewards.split(",") as RewardName[]).flatMap((reward) =>
  values.credits.split(",").map((credit): Incentive => ({ reward, credit: Number(credit) })),
);

/** Other rates, for all algorithms that are run. */
const tried: Partial<Rates> = {
  ...(values["learning-rate"] === undefined ? {} : { learningRate: Number(values["learning-rate"]) }),
  ...(values["critic-learning-rate"] === undefined
    ? {}
    : { criticLearningRate: Number(values["critic-learning-rate"]) }),
};

/** Ends a training that has used up its attempts. */
class Spent extends Error {}

const measured = files.length > 0 ? await readResults(files) : await measure();
await write(measured);
process.stdout.write(`${resultTable(measured)}\n`);

async function measure(): Promise<Results> {
  const engine = await openEngine({ folder: tinyModel, threads: Number(values.threads) });
  const model = { engine, tokenizer: await loadTokenizer(tinyModel) };
  const settings = {
    dialogues: Number(values.dialogues),
    testDialogues: Number(values["test-dialogues"]),
    steps: Number(values.steps),
    batchSize: Number(values.batch),
    groupSize: Number(values.group),
  };
  const measured = { settings, baselines: [] as Results["baselines"][number][], results: [] as Result[] };
  try {
    for (const seed of values.seeds.split(",").map(Number)) {
      const world = await World.create(model, { seed, ...settings });
      const exactMatch = await world.exactMatch(undefined);
      measured.baselines.push({ seed, exactMatch });
      tell(`seed ${seed}: untrained EM ${exactMatch.toFixed(3)}`);
      for (const algorithm of values.algorithms.split(",") as AlgorithmName[]) {
        for (const incentive of incentives) {
          const result = await compete(world, algorithm, incentive, seed, settings);
          measured.results.push(result);
          const name = `${algorithm} by ${incentive.reward}, credit ${incentive.credit}`;
          tell(`seed ${seed}: ${name}: EM ${result.exactMatch.toFixed(3)} after ${result.seconds.toFixed(0)} s`);
          await write(measured);
        }
      }
    }
  } finally {
    await engine.close();
  }
  return measured;

  /** Trains until `steps` batches of groups were attempted, however many of them one step takes. */
  async function compete(
    world: World,
    name: AlgorithmName,
    incentive: Incentive,
    seed: number,
    { steps, batchSize, groupSize }: typeof settings,
  ): Promise<Result> {
    const adapter = `${name} ${incentive.reward} ${incentive.credit} ${seed}`;
    const own: Rates = { ...rates[name], ...tried };
    const task = world.managerTask(adapter, incentive);
    const budget = steps * Math.min(batchSize, task.items.length) * groupSize;
    const seen: Result["steps"][number][] = [];
    const started = performance.now();
    const out = await mkdtemp(join(tmpdir(), "memory-r1-algorithms-"));
    try {
      await train({
        engine,
        adapter,
        task,
        steps,
        batchSize,
        groupSize,
        seed,
        algorithm: { ...algorithmOf({ algorithm: name, ...own }), maxResponseLength: maxNewTokens },
        out,
        checkpointEvery: steps,
        onStep: ({ step, metrics, seconds }) => {
          const attempts = (seen.at(-1)?.attempts ?? 0) + metrics.groups * groupSize;
          seen.push({ attempts, metrics });
          tell(
            `${adapter}: step ${step}, ${attempts} attempts, answers ${metrics.outcome.toFixed(3)}, ${(seconds.rollout + seconds.update).toFixed(0)} s`,
          );
          if (attempts >= budget) throw new Spent();
        },
      });
    } catch (error) {
      if (!(error instanceof Spent)) throw error;
    } finally {
      await rm(out, { recursive: true, force: true });
    }
    return {
      algorithm: name,
      seed,
      ...own,
      ...incentive,
      steps: seen,
      updates: Number(engine.policyVersion(adapter).split("@").at(-1)),
      seconds: (performance.now() - started) / 1000,
      exactMatch: await world.exactMatch(adapter),
    };
  }
}

async function write(measured: Results): Promise<void> {
  await mkdir(dirname(values.out), { recursive: true });
  await writeFile(values.out, JSON.stringify(measured, null, 1));
  await writeFile(
    values.out.replace(/(\.json)?$/, ".svg"),
    plotCurves(curves(measured), { x: "attempts", y: "answers right after the manager's decision" }),
  );
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
