import { type BatchSize, longest, type Sized } from "./batching.js";
import type { TrainingGroup } from "./engine.js";

/** Batches that go in one run of the graph, each padded to `size`. */
export interface UpdateRun {
  /** Indices of groups. */
  readonly batches: readonly (readonly number[])[];
  readonly size: BatchSize;
}

/** Batches of one run are padded to its longest prompt: one that is shorter than this share of it begins another run. */
const SHORTEST_SHARE = 0.75;

/** Joins batches that follow each other, are about equally large, and fit the context when padded to the largest of them. */
export function planRuns(
  batches: readonly (readonly number[])[],
  sizes: readonly Sized[],
  contextLength: number,
): UpdateRun[] {
  const runs: { batches: (readonly number[])[]; size: BatchSize }[] = [];
  for (const batch of batches) {
    const own = paddedSize(batch, sizes);
    const last = runs.at(-1);
    const size = last === undefined ? own : largerOf(last.size, own);
    if (last === undefined || !alike(last.size, own) || size.prompt + size.response > contextLength) {
      runs.push({ batches: [batch], size: own });
      continue;
    }
    last.batches.push(batch);
    last.size = size;
  }
  return runs;
}

function alike(run: BatchSize, batch: BatchSize): boolean {
  const near = (a: number, b: number) => Math.min(a, b) >= SHORTEST_SHARE * Math.max(a, b);
  return (
    run.group === batch.group &&
    near(run.prompt, batch.prompt) &&
    near(run.response, batch.response) &&
    // Groups that fill a smaller batch up are computed for nothing.
    batch.count * 2 > run.count
  );
}

const largerOf = (a: BatchSize, b: BatchSize): BatchSize => ({
  count: Math.max(a.count, b.count),
  prompt: Math.max(a.prompt, b.prompt),
  group: a.group,
  response: Math.max(a.response, b.response),
});

function paddedSize(batch: readonly number[], sizes: readonly Sized[]): BatchSize {
  const all = batch.map((index) => sizes[index]!);
  const largest = (pick: (size: Sized) => number) => Math.max(...all.map(pick));
  return {
    count: batch.length,
    prompt: largest(({ prompt }) => prompt),
    group: all[0]!.group,
    response: largest(({ response }) => response),
  };
}

export function sizeOf({ promptIds, responses }: Pick<TrainingGroup, "promptIds" | "responses">): Sized {
  return { prompt: promptIds.length, group: responses.length, response: longest(responses) };
}
