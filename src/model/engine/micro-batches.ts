import type { ModelDefinition } from "../../onnx/emit.js";
import * as o from "../../onnx/operators.js";
import type { HostTensor, Runnable } from "../../onnx/session.js";
import { input, inputName, scalar, type Value } from "../../onnx/value.js";

export type Feeds = Readonly<Record<string, HostTensor>>;

const stackName = (name: string): string => `batches ${name}`;

/** What a graph computes for one batch: sums go over all batches, the rest is kept for each. */
export interface BatchOutputs {
  readonly sums: Readonly<Record<string, Value>>;
  readonly each: Readonly<Record<string, Value>>;
}

/**
 * The gradient of many batches in one run, so that an adapter goes to the device once and its gradient comes back once: batches of one shape are
 * stacked along a first axis M, and a loop goes over them. `stacked` are the inputs that every batch has its own of.
 */
export function overBatches<T extends Readonly<Record<string, Value>>>(
  stacked: T,
  shared: readonly Value[],
  build: (batch: T) => BatchOutputs,
): ModelDefinition {
  const iteration = input("batch number", "int64", []);
  const stacks = Object.values(stacked).map((x) => input(stackName(inputName(x)), x.dtype, ["M", ...x.shape]));
  const slices = Object.keys(stacked).map((key, i) => [key, o.gather(stacks[i]!, iteration)]);
  const { sums, each } = build(Object.fromEntries(slices) as T);
  const totals = Object.entries(sums).map(([name, x]) => ({
    name,
    before: input(`sum ${name}`, x.dtype, x.shape),
    start: o.expand(scalar(0, x.dtype), x.shape),
    now: x,
  }));
  const results = o.loop(
    o.extent("M"),
    totals.map(({ start }) => start),
    {
      iteration,
      states: totals.map(({ before }) => before),
      proceed: scalar(1, "bool"),
      nextStates: totals.map(({ before, now }) => o.add(before, now)),
      scans: Object.values(each),
      trips: "batchTrips",
    },
  );
  const names = [...totals.map(({ name }) => name), ...Object.keys(each)];
  return {
    inputs: [...stacks, ...shared],
    outputs: Object.fromEntries(names.map((name, i) => [name, results[i]!])),
  };
}

/** Runs a graph of `overBatches`. */
export class BatchRunner implements Runnable {
  constructor(
    private readonly session: Runnable,
    /** Outputs that every batch has its own of. */
    private readonly each: readonly string[],
  ) {}

  takes(name: string): boolean {
    return this.session.takes(name) || this.session.takes(stackName(name));
  }

  /** One batch. */
  async run(feeds: Feeds): Promise<Record<string, HostTensor>> {
    const { sums, each } = await this.runAll([feeds], {});
    return { ...sums, ...each[0]! };
  }

  /** Batches of one shape. */
  async runAll(
    batches: readonly Feeds[],
    shared: Feeds,
  ): Promise<{ readonly sums: Record<string, HostTensor>; readonly each: Record<string, HostTensor>[] }> {
    const given: Record<string, HostTensor> = {};
    for (const [name, tensor] of Object.entries({ ...shared, ...batches[0]! })) {
      if (!this.session.takes(stackName(name))) given[name] = tensor;
      else given[stackName(name)] = stack(batches.map((batch) => batch[name]!));
    }
    const results = await this.session.run(given);
    const [sums, each]: [Record<string, HostTensor>, Record<string, HostTensor>[]] = [{}, batches.map(() => ({}))];
    for (const [name, tensor] of Object.entries(results)) {
      if (!this.each.includes(name)) sums[name] = tensor;
      else for (const [i, part] of unstack(tensor).entries()) each[i]![name] = part;
    }
    return { sums, each };
  }
}

function stack(tensors: readonly HostTensor[]): HostTensor {
  const { dtype, shape, data } = tensors[0]!;
  const all = new Uint8Array(tensors.length * data.byteLength);
  tensors.forEach((tensor, i) => {
    all.set(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength), i * data.byteLength);
  });
  const Data = data.constructor as new (buffer: ArrayBuffer) => HostTensor["data"];
  return { dtype, shape: [tensors.length, ...shape], data: new Data(all.buffer) };
}

function unstack({ dtype, shape, data }: HostTensor): HostTensor[] {
  const [count, ...rest] = shape as [number, ...number[]];
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) => ({
    dtype,
    shape: rest,
    data: data.subarray(i * size, (i + 1) * size),
  }));
}
