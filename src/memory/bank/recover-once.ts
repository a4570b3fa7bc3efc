import type { BaseStore } from "@langchain/langgraph";

/** Recoveries of this process: a bank needs one before its first use, and another after a write that failed. */
class RecoverOnce {
  readonly #done = new WeakMap<BaseStore, Map<string, Promise<void>>>();

  /** Runs the recovery of a namespace if it has not been run since it was last needed; callers at once share it. */
  run(store: BaseStore, namespace: readonly string[], recover: () => Promise<void>): Promise<void> {
    const path = pathOf(namespace);
    const own = this.#of(store);
    const known = own.get(path);
    if (known !== undefined) return known;
    const recovery = recover().catch((error: unknown) => {
      own.delete(path);
      throw error;
    });
    own.set(path, recovery);
    return recovery;
  }

  /** The namespace needs a recovery before it is next used. */
  forget(store: BaseStore, namespace: readonly string[]): void {
    this.#of(store).delete(pathOf(namespace));
  }

  #of(store: BaseStore): Map<string, Promise<void>> {
    const known = this.#done.get(store) ?? new Map<string, Promise<void>>();
    this.#done.set(store, known);
    return known;
  }
}

export const recoverOnce = new RecoverOnce();

function pathOf(namespace: readonly string[]): string {
  return JSON.stringify(namespace);
}
