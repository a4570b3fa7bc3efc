import type { Embeddings } from "@langchain/core/embeddings";
import { InMemoryStore } from "@langchain/langgraph";

export interface RankedMemoryOptions {
  readonly embeddings: Embeddings;
  /** LangGraph index paths that are embedded; default: the whole value. */
  readonly fields?: readonly string[] | undefined;
}

/** LangGraph's store of this process, with an index to rank by. */
export async function rankedMemoryStore({ embeddings, fields }: RankedMemoryOptions): Promise<InMemoryStore> {
  const dims = (await embeddings.embedQuery("dimension")).length;
  return new InMemoryStore({
    index: { dims, embeddings, ...(fields === undefined ? {} : { fields: [...fields] }) },
  });
}
