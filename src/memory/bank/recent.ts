import type { BaseStore } from "@langchain/langgraph";

const REMEMBERED = 10_000;

/** What this process knows of the banks and memories that it wrote lately, by store and path. */
class Recent<Value> {
  readonly #known = new WeakMap<BaseStore, Map<string, Value>>();

  get(store: BaseStore, path: readonly string[]): Value | undefined {
    return this.#known.get(store)?.get(JSON.stringify(path));
  }

  remember(store: BaseStore, path: readonly string[], value: Value): void {
    const own = this.#known.get(store) ?? new Map<string, Value>();
    this.#known.set(store, own);
    const key = JSON.stringify(path);
    own.delete(key);
    own.set(key, value);
    if (own.size > REMEMBERED) own.delete(own.keys().next().value!);
  }
}

/** The order that follows on all those of a bank's memories. */
export const nextOrders = new Recent<number>();

/** The number that follows on all those of a bank's history. */
export const nextSequences = new Recent<number>();

/** The step that deleted a memory. */
export const deletions = new Recent<string>();
