import { availableParallelism } from "node:os";
import { WorkerThread } from "../../worker-thread.js";
import { type AdamWOptions, type AdamWTensor, adamWFactors } from "./adamw.js";
import { OptimizerShare, type OptimizerTask } from "./optimizer-share.js";

/** First and second moments of each parameter, by name, and the number of steps taken. */
export interface OptimizerState {
  step: number;
  /** Whether a step ended halfway: parameters and moments do not belong together any more. */
  torn: boolean;
  readonly first: ReadonlyMap<string, Float32Array>;
  readonly second: ReadonlyMap<string, Float32Array>;
}

export function optimizerState(parameters: ReadonlyMap<string, Float32Array>): OptimizerState {
  const zeros = () => new Map([...parameters].map(([name, { length }]) => [name, sharedFloats(length)]));
  return { step: 0, torn: false, first: zeros(), second: zeros() };
}

/** With four, copying parameters takes about as long as their step. */
const MOST_THREADS = 4;

/** A thread's share has at least as many numbers: fewer are done sooner than handed over. */
const LEAST_SHARE = 500_000;

/** One parameter with its moments and the gradient of a step. */
type Item = AdamWTensor & { readonly gradient: Float32Array<ArrayBuffer> };

/** Steps of AdamW, which threads share where there are many numbers: it is a tenth of a GPU's update otherwise. */
export class Optimizer {
  private readonly own = new OptimizerShare();
  private threads: Promise<WorkerThread<undefined>[]> | undefined;
  /** Parameters of the largest step yet, in memory that threads share. */
  private shared = sharedFloats(0);

  constructor(private readonly mostThreads = Math.min(MOST_THREADS, availableParallelism())) {}

  /**
   * One step, in place, for which the gradients are given away. Returns the norm √Σ g² over all of them, before clipping; where that is
   * not finite, nothing has changed. One step at a time. @throws EngineError where a thread stopped, and tells in `state.torn` whether that was halfway.
   */
  async step(
    parameters: ReadonlyMap<string, Float32Array>,
    gradients: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
    state: OptimizerState,
    options: AdamWOptions,
  ): Promise<number> {
    const items = [...parameters].map(([name, values]) => ({
      values,
      gradient: gradients.get(name)!,
      first: state.first.get(name)!,
      second: state.second.get(name)!,
    }));
    const shares = deal(items, this.mostThreads);
    const squares = await this.run(
      shares.map((share) => ({ type: "take", gradients: share.map(({ gradient }) => gradient) })),
    );
    const norm = Math.sqrt(squares.flat().reduce((sum, part) => sum + part, 0));
    if (!Number.isFinite(norm)) {
      await this.run(shares.map(() => ({ type: "take", gradients: [] })));
      return norm;
    }
    const factors = adamWFactors(options, state.step + 1, norm);
    const [first, ...others] = shares.map((share) => share.map(({ gradient: _, ...tensor }) => tensor));
    const copied = this.copy(others);
    state.torn = true;
    await this.run([first!, ...copied].map((tensors) => ({ type: "step", tensors, factors })));
    state.torn = false;
    state.step += 1;
    const written = copied.flat();
    others.flat().forEach(({ values }, i) => void values.set(written[i]!.values));
    return norm;
  }

  async close(): Promise<void> {
    // Threads that could not open are gone already.
    const threads = await this.threads?.catch(() => []);
    await Promise.all((threads ?? []).map((thread) => thread.terminate()));
  }

  /** The same tensors, with copies of values that threads share. */
  private copy(shares: readonly (readonly AdamWTensor[])[]): AdamWTensor[][] {
    const numbers = count(shares.flat());
    if (this.shared.length < numbers) this.shared = sharedFloats(numbers);
    let end = 0;
    const copied = ({ values, ...moments }: AdamWTensor) => {
      const start = end;
      end += values.length;
      const room = this.shared.subarray(start, end);
      room.set(values);
      return { values: room, ...moments };
    };
    return shares.map((share) => share.map(copied));
  }

  /** The first task in this thread, while the others are in theirs. */
  private async run([first, ...others]: readonly OptimizerTask[]): Promise<number[][]> {
    if (others.length > 0) {
      this.threads ??= this.open().catch((error: unknown) => {
        this.threads = undefined;
        throw error;
      });
    }
    const threads = (await this.threads) ?? [];
    const answers = others.map((task, i) => {
      const given = task.type === "take" ? task.gradients.map(({ buffer }) => buffer) : [];
      return threads[i]!.call<number[]>({ task }, undefined, given).answered;
    });
    return [this.own.run(first!), ...(await Promise.all(answers))];
  }

  private async open(): Promise<WorkerThread<undefined>[]> {
    const open = () =>
      WorkerThread.open<undefined>({
        script: new URL("./optimizer-worker.js", import.meta.url),
        workerData: undefined,
        stopped: {
          what: "a thread of the optimizer stopped within a step",
          remedy: "open the engine again and go on from the last checkpoint",
        },
      });
    const openings = await Promise.allSettled(Array.from({ length: this.mostThreads - 1 }, open));
    const threads = openings.flatMap((opening) => (opening.status === "fulfilled" ? [opening.value] : []));
    const failed = openings.find(({ status }) => status === "rejected");
    if (failed === undefined) return threads;
    await Promise.all(threads.map((thread) => thread.terminate()));
    throw (failed as PromiseRejectedResult).reason;
  }
}

const count = (items: readonly AdamWTensor[]): number => items.reduce((sum, { values }) => sum + values.length, 0);

/** In their order, in shares of about as many numbers. */
function deal(items: readonly Item[], most: number): Item[][] {
  const numbers = count(items);
  const shares = Array.from(
    { length: Math.max(1, Math.min(most, Math.floor(numbers / LEAST_SHARE))) },
    (): Item[] => [],
  );
  let before = 0;
  for (const item of items) {
    shares[Math.min(shares.length - 1, Math.floor((before / Math.max(1, numbers)) * shares.length))]!.push(item);
    before += item.values.length;
  }
  return shares;
}

function sharedFloats(length: number): Float32Array<SharedArrayBuffer> {
  return new Float32Array(new SharedArrayBuffer(4 * length));
}
