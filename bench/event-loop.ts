import { parseArgs } from "node:util";
import type { PolicyGroup } from "../src/model/engine/engine.js";
import { openEngine } from "../src/model/engine/open-engine.js";
import { Random } from "../src/random.js";
import { tokenWeights } from "../src/train/algorithm/aggregation.js";

/** The worst lateness of a 10 ms timer in the main thread while the engine's thread computes updates and rollouts. */
const { values } = parseArgs({
  options: {
    model: { type: "string", default: "models/tiny" },
    prompt: { type: "string", default: "400" },
    steps: { type: "string", default: "5" },
  },
});

const PERIOD = 10;
const RESPONSE = 32;
const GROUP = 4;

/** Lateness of each tick in milliseconds, beyond the period. */
class Timer {
  readonly lateness: number[] = [];
  private last = performance.now();
  private readonly handle = setInterval(() => {
    const now = performance.now();
    this.lateness.push(now - this.last - PERIOD);
    this.last = now;
  }, PERIOD);

  stop(): { ticks: number; worstMs: number; p99Ms: number } {
    clearInterval(this.handle);
    const sorted = this.lateness.toSorted((a, b) => a - b);
    const at = (share: number) => Number((sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1));
    return { ticks: sorted.length, worstMs: at(1), p99Ms: at(0.99) };
  }
}

const engine = await openEngine({ folder: values.model });
const random = new Random(1);
const ids = (count: number) => Array.from({ length: count }, () => random.int(engine.info.vocabularySize));
const promptIds = ids(Number(values.prompt));
const responses = Array.from({ length: GROUP }, () => ids(RESPONSE));
await engine.createAdapter("policy", { rank: 8, alpha: 16, seed: 1 });
const [scores] = await engine.logprobs([{ promptIds, responses }], "policy");
const group: PolicyGroup = {
  promptIds,
  responses,
  weights: tokenWeights(
    responses.map(({ length }) => length),
    "token-mean",
    { maxResponseLength: RESPONSE },
  ),
  advantages: responses.map((row, i) => row.map(() => (i % 2 === 0 ? 1 : -1))),
  oldLogprobs: scores!.logprobs,
  referenceLogprobs: scores!.logprobs,
};
const phases = {
  update: async () => {
    const settings = { clipLow: 0.2, clipHigh: 0.28, klCoefficient: 0.01, optimizer: { learningRate: 1e-4 } };
    await engine.update("policy", { objective: "policy", groups: [group], ...settings });
  },
  rollout: async () => {
    const request = { promptIds, count: GROUP, maxNewTokens: RESPONSE, temperature: 1, seed: 1 };
    await engine.generate([request], { adapter: "policy", stopIds: [] });
  },
};
for (const [phase, work] of Object.entries(phases)) {
  const timer = new Timer();
  const started = performance.now();
  for (let step = 0; step < Number(values.steps); step++) await work();
  const seconds = Number(((performance.now() - started) / 1000).toFixed(2));
  process.stdout.write(`${JSON.stringify({ model: values.model, phase, seconds, ...timer.stop() })}\n`);
}
await engine.close();
