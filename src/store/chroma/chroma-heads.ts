import type { Head, KnownHead } from "./chroma-rows.js";

const REMEMBERED = 20_000;

/**
 * The items that this process has read or written lately, so that an overwrite needs no read before it. Where another
 * process changed an item since, its time of creation may be that of before; vectors are told apart by their stamp.
 */
export class KnownHeads {
  /** Whether the last item that was not known here was a new one: the next is mostly like it. */
  expectsNew = true;
  readonly #heads = new Map<string, KnownHead>();

  get(id: string): KnownHead | undefined {
    return this.#heads.get(id);
  }

  remember(id: string, head: KnownHead): void {
    this.#heads.delete(id);
    this.#heads.set(id, head);
    if (this.#heads.size > REMEMBERED) this.#heads.delete(this.#heads.keys().next().value!);
  }

  forget(id: string): void {
    this.#heads.delete(id);
  }

  clear(): void {
    this.#heads.clear();
  }
}

export function knownHead(head: Head): KnownHead {
  return {
    createdAt: head.item.createdAt,
    rows: head.rows,
    hasTtl: head.ttl !== undefined,
    hasDocument: head.hasDocument,
    stamp: head.stamp,
  };
}
