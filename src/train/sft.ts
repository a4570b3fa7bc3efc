import type { AdamWOptions } from "../model/engine/adamw.js";
import type { PolicyEngine } from "../model/engine/engine.js";

/** Token ids of a prompt and of the response to imitate, with its end token. */
export interface SftTokens {
  readonly promptIds: readonly number[];
  readonly responseIds: readonly number[];
}

export interface SftOptions {
  readonly steps: number;
  readonly batchSize: number;
  readonly optimizer: Partial<AdamWOptions> & { readonly learningRate: number };
  /** Steps of linear warm-up; afterwards the rate falls along a cosine to a tenth of its peak. */
  readonly warmup: number;
  readonly onStep?: (progress: SftProgress) => void | Promise<void>;
}

export interface SftProgress {
  readonly step: number;
  /** Mean negative log-likelihood per response token, nats. */
  readonly loss: number;
  readonly gradientNorm: number;
  readonly tokens: number;
}

/** Supervised fine-tuning: maximum likelihood of the responses, averaged over the batch's response tokens. Resumes at `from`. */
export async function trainSft(
  engine: PolicyEngine,
  adapter: string,
  examples: Iterator<SftTokens>,
  { steps, batchSize, optimizer, warmup, onStep }: SftOptions,
  from = 0,
): Promise<void> {
  let batch = take(examples, batchSize);
  for (let step = from; step < steps && batch.length > 0; step++) {
    const tokens = batch.reduce((sum, { responseIds }) => sum + responseIds.length, 0);
    const groups = batch.map(({ promptIds, responseIds }) => ({
      promptIds,
      responses: [responseIds],
      weights: [responseIds.map(() => 1 / tokens)],
    }));
    const learningRate = optimizer.learningRate * schedule(step, steps, warmup);
    const request = { objective: "likelihood", groups, optimizer: { ...optimizer, learningRate } } as const;
    const updating = engine.update(adapter, request);
    // The next batch is made while the engine's thread computes.
    batch = take(examples, batchSize);
    const { loss, gradientNorm } = await updating;
    await onStep?.({ step, loss, gradientNorm, tokens });
  }
}

function take(examples: Iterator<SftTokens>, count: number): SftTokens[] {
  const batch: SftTokens[] = [];
  while (batch.length < count) {
    const next = examples.next();
    if (next.done === true) break;
    batch.push(next.value);
  }
  return batch;
}

/** Share of the peak learning rate at a step. */
function schedule(step: number, steps: number, warmup: number): number {
  if (step < warmup) return (step + 1) / warmup;
  const progress = (step - warmup) / Math.max(steps - warmup, 1);
  return 0.1 + 0.45 * (1 + Math.cos(Math.PI * progress));
}
