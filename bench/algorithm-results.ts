import { readFile } from "node:fs/promises";
import { UsageError } from "../src/errors.js";
import { mean } from "../src/mean.js";
import { type RewardName, rewardNames } from "../src/reward/rewards.js";
import { type AlgorithmName, algorithmNames } from "../src/train/presets/index.js";
import type { StepMetrics } from "../src/train/run/metrics.js";
import type { Curve } from "./algorithm-plot.js";

export interface Rates {
  readonly learningRate: number;
  /** PPO's. */
  readonly criticLearningRate?: number;
}

/** What a manager learns from: the reward of answers, and the weight of the credit of single operations. */
export interface Incentive {
  readonly reward: RewardName;
  readonly credit: number;
}

export interface Result extends Rates, Incentive {
  readonly algorithm: AlgorithmName;
  readonly seed: number;
  /** After each step: attempts so far, and that step's metrics. */
  readonly steps: readonly { readonly attempts: number; readonly metrics: StepMetrics }[];
  /** Optimizer steps of the policy. */
  readonly updates: number;
  readonly seconds: number;
  /** On held-out dialogues. */
  readonly exactMatch: number;
}

/** What one or several processes measured. */
export interface Results {
  /** What all runs have in common. */
  readonly settings: Readonly<Record<string, number>>;
  readonly baselines: readonly { readonly seed: number; readonly exactMatch: number }[];
  readonly results: readonly Result[];
}

/** Steps at the end of training whose mean reward the table shows. */
const LAST = 5;

/** Puts the files of several processes together. Throws UsageError where their settings differ. */
export async function readResults(files: readonly string[]): Promise<Results> {
  const parts = await Promise.all(files.map(async (file) => JSON.parse(await readFile(file, "utf8")) as Results));
  const settings = parts[0]!.settings;
  for (const [i, part] of parts.entries()) {
    if (JSON.stringify(part.settings) === JSON.stringify(settings)) continue;
    throw new UsageError({
      what: "the results are not of equal settings",
      where: files[i]!,
      expected: JSON.stringify(settings),
      found: JSON.stringify(part.settings),
      remedy: "run them with the same steps, dialogues, batch and group",
    });
  }
  const baselines = new Map(parts.flatMap((part) => part.baselines).map((baseline) => [baseline.seed, baseline]));
  const order = ({ algorithm, reward, credit, seed }: Result) =>
    algorithmNames.indexOf(algorithm) + rewardNames.indexOf(reward) / 100 + credit / 1e4 + seed / 1e8;
  return {
    settings,
    baselines: [...baselines.values()].sort((a, b) => a.seed - b.seed),
    results: parts.flatMap(({ results }) => results).sort((a, b) => order(a) - order(b)),
  };
}

/** In Markdown: exact match by seed, and what it took; learning rates in parentheses. */
export function resultTable({ baselines, results }: Results): string {
  const seeds = baselines.map(({ seed }) => seed);
  const names = [...new Set(results.map(rowName))];
  const exactMatches = (of: Results["baselines"]) => [
    ...seeds.map((seed) => of.find((one) => one.seed === seed)?.exactMatch.toFixed(3) ?? "–"),
    spread(of.map(({ exactMatch }) => exactMatch)),
  ];
  const rows = names.map((name) => {
    const own = results.filter((result) => rowName(result) === name);
    return [
      name,
      ...exactMatches(own),
      spread(own.map(lastOutcome)),
      mean(own.map(({ updates }) => updates)).toFixed(0),
      mean(own.map(attempts)).toFixed(0),
      mean(own.map(({ seconds }) => seconds)).toFixed(0),
    ];
  });
  const titles = [
    "",
    ...seeds.map((seed) => `seed ${seed}`),
    "mean",
    `last ${LAST} steps`,
    "updates",
    "attempts",
    "seconds",
  ];
  const untrained = ["untrained", ...exactMatches(baselines), ...titles.slice(seeds.length + 2).map(() => "–")];
  const cells = [titles, untrained, ...rows];
  const widths = titles.map((_, column) => Math.max(3, ...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(titles), rule, ...cells.slice(1).map(line)].join("\n");
}

export function curves({ results }: Results): Curve[] {
  return results.map(({ steps, ...result }) => ({
    name: `${result.algorithm}${incentive(result)}`,
    points: steps.map(({ attempts: x, metrics }) => [x, metrics.outcome]),
  }));
}

/** The paper's is not named: exact match, no credit. */
const incentive = ({ reward, credit }: Incentive): string =>
  `${reward === "exact-match" ? "" : `, ${reward}`}${credit === 0 ? "" : `, credit ${credit}`}`;

/** Runs of one algorithm at other rates, or for another reward, are another row. */
function rowName(result: Result): string {
  const { algorithm, learningRate, criticLearningRate } = result;
  const critic = criticLearningRate === undefined ? "" : `, critic ${criticLearningRate.toExponential()}`;
  return `\`${algorithm}\`${incentive(result)} (${learningRate.toExponential()}${critic})`;
}

const attempts = ({ steps }: Result): number => steps.at(-1)?.attempts ?? 0;

const lastOutcome = ({ steps }: Result): number => mean(steps.slice(-LAST).map(({ metrics }) => metrics.outcome));

function spread(numbers: readonly number[]): string {
  const centre = mean(numbers);
  const squares = numbers.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return numbers.length < 2
    ? centre.toFixed(3)
    : `${centre.toFixed(3)} ± ${Math.sqrt(squares / (numbers.length - 1)).toFixed(3)}`;
}
