import type { BaseStore } from "@langchain/langgraph";

/**
 * The store that a graph was compiled with. A running graph hands its nodes a queue before it, whose `batch` throws, whose `put` loses `index`,
 * and which stops with the run; it is known by its name, since an application may have LangGraph twice.
 */
export function ownStore(store: BaseStore): BaseStore {
  return "lg_name" in store && store.lg_name === "AsyncBatchedStore"
    ? (Reflect.get(store, "store") as BaseStore)
    : store;
}
