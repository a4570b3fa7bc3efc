/** Runs tasks one after another, in the order of the calls; a task that fails does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task, task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** Runs tasks that share a key one after another, in the order of the calls; tasks without a common key run at once. */
export class KeyedSerial {
  readonly #last = new Map<string, Promise<unknown>>();

  run<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const earlier = keys.flatMap((key) => this.#last.get(key) ?? []);
    const result = earlier.length === 0 ? task() : Promise.all(earlier).then(task);
    const forget = () => this.#forget(keys, settled);
    const settled: Promise<void> = result.then(forget, forget);
    for (const key of keys) this.#last.set(key, settled);
    return result;
  }

  #forget(keys: readonly string[], settled: Promise<unknown>): void {
    for (const key of keys) if (this.#last.get(key) === settled) this.#last.delete(key);
  }
}
