import type { BaseStore } from "@langchain/langgraph";
import type { SearchMode } from "../store/search-mode.js";
import type { Provenance } from "./history-entry.js";

export interface RetrieveOptions {
  /** Most memories to return. */
  readonly limit: number;
  /** Only memories of this speaker. */
  readonly speaker?: string;
  /** What ranks: the store's vectors (default), the words, or both. Words cost a reading of the whole bank. */
  readonly mode?: SearchMode;
  /**
   * Whether a memory's score counts what was told one or two turns before and after it, too. Costs a reading of the whole bank; scores are then
   * relative within each namespace. Default false.
   */
  readonly adjacent?: boolean;
  /** Whether the shared namespaces are looked into as well. Default false. */
  readonly shared?: boolean;
}

export interface ApplyOptions {
  /** Place of the turn in the bank's history; by default after all that the bank holds. */
  readonly order?: number;
  /** Key of the n-th memory that this step adds; by default the bank's id factory. */
  readonly key?: (added: number) => string;
  /** Whether memories keep the words of the turn, and are found by them too. Default false. */
  readonly words?: boolean | undefined;
  /** Where the changes come from, for the history: what is left out is not known. */
  readonly provenance?: Partial<Provenance>;
}

export interface MemoryBankOptions {
  readonly store: BaseStore;
  readonly namespace: readonly string[];
  readonly id?: () => string;
  /** Whether the life of each memory is written down beside the bank. Default false. */
  readonly history?: boolean;
  /** Namespaces that are read along where asked, such as a team's beside a user's; never written. */
  readonly shared?: readonly (readonly string[])[];
  readonly now?: () => Date;
}
