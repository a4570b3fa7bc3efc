import type { BaseStore } from "@langchain/langgraph";
import type { SearchMode } from "../../store/search/search-mode.js";
import type { Provenance } from "./history-entry.js";

export interface RetrieveOptions {
  /** Maximum number of memories to return. */
  readonly limit: number;
  /** Only memories of this speaker. */
  readonly speaker?: string;
  /** Ranks by the store's vectors (default), by words, or by both. Ranking by words reads the whole bank. */
  readonly mode?: SearchMode;
  /**
   * Whether what was told one or two turns before and after a memory also counts for its score. Reads the whole bank;
   * scores are then relative within each namespace. Default false.
   */
  readonly adjacent?: boolean;
  /** Whether to search the shared namespaces as well. Default false. */
  readonly shared?: boolean;
}

export interface ApplyOptions {
  /** Position of the turn in the bank's history. Default: after all memories of the bank. */
  readonly order?: number;
  /** Key of the n-th memory that this step adds; by default the bank's id factory. */
  readonly key?: (added: number) => string;
  /** Whether memories also store the words of the turn, and can be found by them. Default false. */
  readonly words?: boolean | undefined;
  /** Where the changes come from, for the history. Omitted fields count as unknown. */
  readonly provenance?: Partial<Provenance>;
}

export interface MemoryBankOptions {
  readonly store: BaseStore;
  readonly namespace: readonly string[];
  readonly id?: () => string;
  /** Whether to record every change in a history beside the bank. Default false. */
  readonly history?: boolean;
  /** Further namespaces that reads may include, such as a team's beside a user's; never written. */
  readonly shared?: readonly (readonly string[])[];
  readonly now?: () => Date;
}
