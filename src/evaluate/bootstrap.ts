import { Random } from "../random.js";

/** Lower and upper end. */
export type Interval = readonly [number, number];

export interface BootstrapOptions {
  readonly seed: number;
  /** Default 1000. */
  readonly draws?: number;
  /** Probability that the interval is to cover. Default 0.95. */
  readonly level?: number;
}

/** One thing that is drawn as a whole: sums of each measure over its members, and how many these are. */
interface Cluster {
  readonly sums: readonly number[];
  readonly size: number;
}

/**
 * Percentile bootstrap intervals of the means of several measures over the same items (Efron 1979): the draws are shared by all measures.
 * @param rows per item, a value for each measure.
 * @param clusters per item, what it is drawn together with; without it each item is drawn by itself.
 * @returns an interval for each measure; none for no rows, or for a single cluster, which says nothing about others.
 */
export function bootstrapIntervals(
  rows: readonly (readonly number[])[],
  { seed, draws = 1000, level = 0.95 }: BootstrapOptions,
  clusters?: readonly string[],
): Interval[] | null {
  const drawn = clusters === undefined ? rows.map((sums) => ({ sums, size: 1 })) : clustered(rows, clusters);
  if (drawn.length === 0 || (clusters !== undefined && drawn.length < 2)) return null;
  const random = new Random(seed, clusters === undefined ? 0 : 1);
  const measures = rows[0]!.length;
  const means = Array.from({ length: measures }, () => new Float64Array(draws));
  const sums = new Float64Array(measures);
  for (let draw = 0; draw < draws; draw++) {
    sums.fill(0);
    let size = 0;
    for (let i = 0; i < drawn.length; i++) {
      const one = drawn[random.int(drawn.length)]!;
      size += one.size;
      for (let m = 0; m < measures; m++) sums[m]! += one.sums[m]!;
    }
    for (let m = 0; m < measures; m++) means[m]![draw] = sums[m]! / size;
  }
  return means.map((values) => {
    values.sort();
    return [quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)];
  });
}

function clustered(rows: readonly (readonly number[])[], clusters: readonly string[]): Cluster[] {
  const groups = new Map<string, { sums: number[]; size: number }>();
  for (const [at, row] of rows.entries()) {
    const group = groups.get(clusters[at]!) ?? { sums: row.map(() => 0), size: 0 };
    groups.set(clusters[at]!, group);
    for (const [m, value] of row.entries()) group.sums[m]! += value;
    group.size++;
  }
  return [...groups.values()];
}

/** Linear between the two nearest of the sorted values (Hyndman and Fan's type 7, as numpy has it). */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}
