import type { Embeddings } from "@langchain/core/embeddings";
import type { BaseStore } from "@langchain/langgraph";

/** How a store under test must embed: with these embeddings, one vector for each text that a field selects. */
export interface ConformanceIndex {
  readonly embeddings: Embeddings;
  /** Length of the vectors. */
  readonly dims: number;
  /** LangGraph index paths. */
  readonly fields: string[];
}

export interface StoreCaseContext {
  /** An empty store that embeds as `index` says. */
  readonly store: BaseStore;
  readonly embeddings: Embeddings;
  /** Makes another empty store, which embeds other fields. */
  readonly storeWithFields: (fields: string[]) => Promise<BaseStore>;
  /** Makes another empty store, with embeddings of two dimensions. */
  readonly storeWithEmbeddings: (embeddings: Embeddings) => Promise<BaseStore>;
}

export type StoreCase = (context: StoreCaseContext) => Promise<void>;

/** Cases by the sentence that each of them promises. */
export type StoreCases = Readonly<Record<string, StoreCase>>;

export function keysOf(items: readonly { readonly key: string }[]): string[] {
  return items.map(({ key }) => key);
}
