import type {
  GetOperation,
  Item,
  ListNamespacesOperation,
  Operation,
  PutOperation,
  SearchOperation,
} from "@langchain/langgraph";
import { checkFilter } from "./filter.js";
import { checkNamespace, itemPath } from "./namespace.js";

/** What a search returns: an item, with the cosine similarity to the query where the item is indexed. */
export type ScoredItem = Item & { score?: number };

/** The operations of one batch by kind, each read with its place in the batch's results. */
export interface Batch {
  readonly gets: readonly { at: number; op: GetOperation }[];
  readonly searches: readonly { at: number; op: SearchOperation }[];
  readonly lists: readonly { at: number; op: ListNamespacesOperation }[];
  /** The last write of each key, in the order of the first: a batch writes a key once. */
  readonly puts: readonly PutOperation[];
}

/**
 * Sorts a batch as LangGraph's InMemoryStore does: reads see the state before the batch, the last write of a key wins.
 * @throws UsageError for a namespace or a filter that is not valid, before anything is done.
 */
export function sortBatch(operations: readonly Operation[]): Batch {
  const gets: { at: number; op: GetOperation }[] = [];
  const searches: { at: number; op: SearchOperation }[] = [];
  const lists: { at: number; op: ListNamespacesOperation }[] = [];
  const puts = new Map<string, PutOperation>();
  for (const [at, op] of operations.entries()) {
    if ("namespacePrefix" in op) {
      checkNamespace(op.namespacePrefix, { allowEmpty: true });
      checkFilter(op.filter);
      searches.push({ at, op });
    } else if ("namespace" in op) {
      checkNamespace(op.namespace);
      if ("value" in op) puts.set(itemPath(op.namespace, op.key), op);
      else gets.push({ at, op });
    } else lists.push({ at, op });
  }
  return { gets, searches, lists, puts: [...puts.values()] };
}
