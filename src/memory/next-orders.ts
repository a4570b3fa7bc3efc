import type { BaseStore } from "@langchain/langgraph";

const REMEMBERED = 10_000;

/** The number that follows on all that are given in a bank, for the banks that this process has lately written to. */
class NextNumbers {
  readonly #known = new WeakMap<BaseStore, Map<string, number>>();

  get(store: BaseStore, namespace: readonly string[]): number | undefined {
    return this.#known.get(store)?.get(JSON.stringify(namespace));
  }

  remember(store: BaseStore, namespace: readonly string[], next: number): void {
    const own = this.#known.get(store) ?? new Map<string, number>();
    this.#known.set(store, own);
    const path = JSON.stringify(namespace);
    own.delete(path);
    own.set(path, next);
    if (own.size > REMEMBERED) own.delete(own.keys().next().value!);
  }
}

/** Of memories. */
export const nextOrders = new NextNumbers();

/** Of entries of the history. */
export const nextSequences = new NextNumbers();
