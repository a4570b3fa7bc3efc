import { availableParallelism } from "node:os";
import { WorkerThread } from "../../worker-thread.js";
import { type AdamWOptions, adamWFactors } from "./adamw.js";
import { OptimizerShare, type OptimizerTask } from "./optimizer-share.js";

/** First and second moments of each parameter, by name, and the number of steps taken. */
export interface OptimizerState {
  step: number;
  /** Whether a step ended halfway: parameters and moments do not belong together any more. */
  torn: boolean;
  readonly first: ReadonlyMap<string, Float32Array>;
  readonly second: ReadonlyMap<string, Float32Array>;
}

/** A trainable tensor: a step gives it new data, and takes the old away. */
export interface Parameter {
  data: Float32Array<ArrayBuffer>;
}

export function optimizerState(parameters: ReadonlyMap<string, Parameter>): OptimizerState {
  const zeros = () => new Map([...parameters].map(([name, { data }]) => [name, sharedFloats(data.length)]));
  return { step: 0, torn: false, first: zeros(), second: zeros() };
}

const MOST_THREADS = 8;

/** Shares have about as many numbers, or more: fewer are done sooner than handed over. */
const LEAST_SHARE = 500_000;

/** One parameter with its moments and the gradient of a step. */
interface Item {
  readonly parameter: Parameter;
  readonly gradient: Float32Array<ArrayBuffer>;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** Steps of AdamW, which threads share where there are many numbers: it is a tenth of a GPU's update otherwise. */
export class Optimizer {
  private readonly own = new OptimizerShare();
  private readonly threads: WorkerThread<undefined>[] = [];

  constructor(private readonly mostThreads = Math.min(MOST_THREADS, availableParallelism())) {}

  /**
   * One step, for which the gradients are given away. Returns the norm √Σ g² over all of them, before clipping; where that is
   * not finite, nothing has changed. One step at a time. @throws EngineError where a thread stopped, and tells in `state.torn` whether that
   * was halfway: then some parameters are lost.
   */
  async step(
    parameters: ReadonlyMap<string, Parameter>,
    gradients: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
    state: OptimizerState,
    options: AdamWOptions,
  ): Promise<number> {
    const items = [...parameters].map(([name, parameter]) => ({
      parameter,
      gradient: gradients.get(name)!,
      first: state.first.get(name)!,
      second: state.second.get(name)!,
    }));
    const shares = deal(items, this.mostThreads);
    const norm = await this.take(items, shares);
    if (!Number.isFinite(norm)) {
      await this.take(
        [],
        shares.map(() => []),
      );
      return norm;
    }
    const factors = adamWFactors(options, state.step + 1, norm);
    const tensors = shares.map((share) =>
      share.map(({ parameter, first, second }) => ({ values: parameter.data, first, second })),
    );
    state.torn = true;
    const written = await this.inThreads(
      tensors.map((some) => ({ type: "step", tensors: some, factors })),
      () => this.own.step(tensors[0]!, factors),
    );
    for (const [i, share] of shares.entries()) {
      for (const [at, { parameter }] of share.entries()) parameter.data = written[i]![at]!;
    }
    state.torn = false;
    state.step += 1;
    return norm;
  }

  /** Hands the gradients to their threads. Returns their norm, added up in the order of the items: it is the same for any number of threads. */
  private async take(items: readonly Item[], shares: readonly (readonly Item[])[]): Promise<number> {
    const gradients = shares.map((share) => share.map(({ gradient }) => gradient));
    const squares = await this.inThreads(
      gradients.map((some) => ({ type: "take", gradients: some })),
      () => this.own.take(gradients[0]!),
    );
    const ofItem = new Map(shares.flatMap((share, i) => share.map((item, at) => [item, squares[i]![at]!])));
    return Math.sqrt(items.reduce((sum, item) => sum + ofItem.get(item)!, 0));
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.terminate()));
  }

  /** What each task gives: the first is done in this thread, by `own`, while the others are in theirs. */
  private async inThreads<Value>([, ...others]: readonly OptimizerTask[], own: () => Value): Promise<Value[]> {
    await this.open(others.length);
    const answers = others.map((task, i) => this.threads[i]!.call<Value>({ task }, undefined, moved(task)).answered);
    return [own(), ...(await Promise.all(answers))];
  }

  /** Opens as many threads as are missing, all or none. */
  private async open(count: number): Promise<void> {
    const open = () =>
      WorkerThread.open<undefined>({
        script: new URL("./optimizer-worker.js", import.meta.url),
        workerData: undefined,
        stopped: {
          what: "a thread of the optimizer stopped within a step",
          remedy: "open the engine again and go on from the last checkpoint",
        },
      });
    const missing = Math.max(0, count - this.threads.length);
    const openings = await Promise.allSettled(Array.from({ length: missing }, open));
    const opened = openings.flatMap((opening) => (opening.status === "fulfilled" ? [opening.value] : []));
    const failed = openings.find(({ status }) => status === "rejected");
    if (failed !== undefined) {
      await Promise.all(opened.map((thread) => thread.terminate()));
      throw (failed as PromiseRejectedResult).reason;
    }
    this.threads.push(...opened);
  }
}

const moved = (task: OptimizerTask): ArrayBuffer[] =>
  (task.type === "take" ? task.gradients : task.tensors.map(({ values }) => values)).map(({ buffer }) => buffer);

/** In shares of about as many numbers: the largest first, each to the share that has the fewest. */
function deal(items: readonly Item[], most: number): Item[][] {
  const numbers = items.reduce((sum, { gradient }) => sum + gradient.length, 0);
  const count = Math.max(1, Math.min(most, Math.floor(numbers / LEAST_SHARE)));
  const shares = Array.from({ length: count }, () => ({ items: [] as Item[], numbers: 0 }));
  for (const item of items.toSorted((a, b) => b.gradient.length - a.gradient.length)) {
    const least = shares.reduce((a, b) => (b.numbers < a.numbers ? b : a));
    least.items.push(item);
    least.numbers += item.gradient.length;
  }
  return shares.map((share) => share.items);
}

function sharedFloats(length: number): Float32Array<SharedArrayBuffer> {
  return new Float32Array(new SharedArrayBuffer(4 * length));
}
