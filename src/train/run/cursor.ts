import { z } from "zod";
import { Random } from "../../random.js";
import { streamSeed } from "../seeds.js";

export const cursorSchema = z.object({
  /** The current pass over the items, counted from 0. */
  epoch: z.number().int().nonnegative(),
  /** Number of items in this epoch's order that were dealt or deferred. */
  position: z.number().int().nonnegative(),
  /** Items deferred because the batch that they were due in already held them from the previous epoch. They come next. */
  deferred: z.array(z.string()),
});

export type CursorState = Readonly<z.infer<typeof cursorSchema>>;

/**
 * Deals items in batches: epochs of all items, each in an order of its own that follows from the seed. A batch goes on over an epoch's
 * border, so that each is full, and never holds an item twice.
 */
export class DataCursor {
  #epoch: number;
  #position: number;
  #deferred: readonly string[];
  #order: readonly string[];

  constructor(
    private readonly items: readonly string[],
    private readonly seed: number,
    from: CursorState = { epoch: 0, position: 0, deferred: [] },
  ) {
    this.#epoch = from.epoch;
    this.#position = from.position;
    this.#deferred = from.deferred;
    this.#order = this.orderOf(from.epoch);
  }

  /** `size` different items, or all items where there are fewer. */
  take(size: number): string[] {
    const wanted = Math.min(size, this.items.length);
    const batch = new Set<string>();
    const due = this.#deferred;
    // Fewer than a batch are ever put off, and none of them before this batch began.
    for (const item of due.slice(0, wanted)) batch.add(item);
    const deferred = due.slice(wanted);
    while (batch.size < wanted) {
      if (this.#position === this.#order.length) this.beginEpoch();
      const item = this.#order[this.#position++]!;
      if (batch.has(item)) deferred.push(item);
      else batch.add(item);
    }
    this.#deferred = deferred;
    return [...batch];
  }

  get state(): CursorState {
    return { epoch: this.#epoch, position: this.#position, deferred: [...this.#deferred] };
  }

  private beginEpoch(): void {
    this.#epoch++;
    this.#position = 0;
    this.#order = this.orderOf(this.#epoch);
  }

  private orderOf(epoch: number): string[] {
    return new Random(streamSeed(this.seed, "epoch", epoch)).shuffle(this.items);
  }
}
