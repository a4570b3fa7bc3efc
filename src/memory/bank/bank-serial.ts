import type { BaseStore } from "@langchain/langgraph";
import { KeyedSerial } from "../../store/serial.js";

/** Runs what is done to one bank one after another within this process; other banks do not wait for it. */
class BankSerial {
  readonly #serials = new WeakMap<BaseStore, KeyedSerial>();

  run<T>(store: BaseStore, namespace: readonly string[], task: () => Promise<T>): Promise<T> {
    const serial = this.#serials.get(store) ?? new KeyedSerial();
    this.#serials.set(store, serial);
    return serial.run([JSON.stringify(namespace)], task);
  }
}

/** Whole steps, from what they retrieve to what they write. A step holds its place while it waits for `bankWrites`, never the other way round. */
export const bankSteps = new BankSerial();

/** The look at what is about to be changed, and the change. */
export const bankWrites = new BankSerial();
