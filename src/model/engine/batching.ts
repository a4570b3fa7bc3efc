import type { HostTensor } from "../../onnx/session.js";

/** Prompts in right-padded form: ids [B, P] and lengths [B]. */
export function promptTensors(
  prompts: readonly (readonly number[])[],
  padId: number,
  width = longest(prompts),
): { ids: HostTensor; lengths: HostTensor } {
  return {
    ids: idMatrix(prompts, width, padId),
    lengths: {
      dtype: "int64",
      shape: [prompts.length],
      data: BigInt64Array.from(prompts, (ids) => BigInt(ids.length)),
    },
  };
}

/** Token ids as int64 [rows, width], filled with `padId`. */
export function idMatrix(rows: readonly (readonly number[])[], width: number, padId: number): HostTensor {
  const data = new BigInt64Array(rows.length * width).fill(BigInt(padId));
  rows.forEach((ids, row) => {
    for (let i = 0; i < Math.min(ids.length, width); i++) data[row * width + i] = BigInt(ids[i]!);
  });
  return { dtype: "int64", shape: [rows.length, width], data };
}

/** Numbers per token as float32 [groups, G, width], filled with 0. */
export function tokenTensor(groups: readonly (readonly (readonly number[])[])[], width: number): HostTensor {
  const size = groups[0]!.length;
  const data = new Float32Array(groups.length * size * width);
  groups.forEach((rows, g) => {
    rows.forEach((values, r) => {
      data.set(values, (g * size + r) * width);
    });
  });
  return { dtype: "float32", shape: [groups.length, size, width], data };
}

/** A number as float32 of rank 0. */
export const scalarTensor = (value: number): HostTensor => ({
  dtype: "float32",
  shape: [],
  data: Float32Array.from([value]),
});

export function longest(rows: readonly (readonly number[])[]): number {
  return rows.reduce((length, row) => Math.max(length, row.length), 0);
}

/** Size of a padded batch: `count` prompts of at most `prompt` tokens, each with `group` responses of at most `response` tokens. */
export interface BatchSize {
  readonly count: number;
  readonly prompt: number;
  readonly group: number;
  readonly response: number;
}

export interface Sized {
  readonly prompt: number;
  readonly group: number;
  readonly response: number;
}

/** A prompt shorter than this share of its batch's longest goes elsewhere, once the batch is large enough to be efficient. */
const SHORTEST_SHARE = 0.75;

/**
 * Cuts items into as few batches as their padded size allows, as even in number as they can be: batches of one run are padded to its largest,
 * and memory is that of the largest. The rest is as `largestBatches` says.
 */
export function microBatches(items: readonly Sized[], fits: (size: BatchSize) => boolean, enough: number): number[][] {
  const largest = largestBatches(items, fits, enough);
  const most = Math.ceil(items.length / largest.length);
  const even = largestBatches(items, (size) => size.count <= most && fits(size), enough);
  return even.length === largest.length ? even : largest;
}

/**
 * Cuts items into batches whose padded size stays within `fits`, longest prompts first so that padding is small. Items of different group
 * sizes never share a batch; `enough` is the number of prompt tokens that keep the device busy. Returns indices; an item that does not fit alone makes a batch of its own.
 */
function largestBatches(items: readonly Sized[], fits: (size: BatchSize) => boolean, enough: number): number[][] {
  const order = items
    .map((_, index) => index)
    .sort((a, b) => items[a]!.group - items[b]!.group || items[b]!.prompt - items[a]!.prompt || a - b);
  const batches: number[][] = [];
  let size: BatchSize | undefined;
  for (const index of order) {
    const { prompt, group, response } = items[index]!;
    const joined: BatchSize | undefined =
      size === undefined || size.group !== group
        ? undefined
        : {
            count: size.count + 1,
            prompt: Math.max(size.prompt, prompt),
            group,
            response: Math.max(size.response, response),
          };
    const padded =
      joined !== undefined && prompt < SHORTEST_SHARE * joined.prompt && size!.count * size!.prompt >= enough;
    if (joined !== undefined && !padded && fits(joined)) {
      batches.at(-1)!.push(index);
      size = joined;
    } else {
      batches.push([index]);
      size = { count: 1, prompt, group, response };
    }
  }
  return batches;
}
