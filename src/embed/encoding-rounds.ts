interface Waiting {
  readonly ids: readonly number[];
  readonly resolve: (vector: number[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Brings texts together that are wanted at the same time: those that arrive before the next macrotask, or while a round is under way, make the
 * next one, which goes in batches of like length. An encoder takes little longer for a batch than for one text.
 */
export class EncodingRounds {
  #waiting: Waiting[] = [];
  #busy = false;

  constructor(
    private readonly encode: (rows: readonly (readonly number[])[]) => Promise<number[][]>,
    private readonly batchSize: number,
  ) {}

  /** The vector of a text's token ids. */
  vector(ids: readonly number[]): Promise<number[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ids, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const round = this.#waiting.sort((a, b) => a.ids.length - b.ids.length);
      this.#waiting = [];
      for (let from = 0; from < round.length; from += this.batchSize) {
        await this.#answer(round.slice(from, from + this.batchSize));
      }
    }
    this.#busy = false;
  }

  async #answer(batch: readonly Waiting[]): Promise<void> {
    try {
      const vectors = await this.encode(batch.map(({ ids }) => ids));
      for (const [i, { resolve }] of batch.entries()) resolve(vectors[i]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
