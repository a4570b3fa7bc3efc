import type { BaseStore } from "@langchain/langgraph";

/**
 * Unwraps LangGraph's AsyncBatchedStore: its `batch` throws, its `put` drops `index`, and it stops with the run. Recognised by
 * name, because an app may contain two copies of LangGraph.
 */
export function ownStore(store: BaseStore): BaseStore {
  return "lg_name" in store && store.lg_name === "AsyncBatchedStore"
    ? (Reflect.get(store, "store") as BaseStore)
    : store;
}
