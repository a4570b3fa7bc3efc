import type { Embeddings } from "@langchain/core/embeddings";
import type { BaseStore } from "@langchain/langgraph";
import { MemoryBank } from "../../memory/bank/bank.js";
import { bankBefore } from "../../replay/replay.js";
import { OverlayStore } from "../../store/overlay-store.js";
import { CachedEmbeddings } from "../../store/search/cached-embeddings.js";
import type { RecordedDialogue } from "./links.js";

/** Rebuilds banks as they stood before recorded decisions, each once, and hands out forks of them. */
export class ReplayedBanks {
  /** By decision; ids are unique in a conversation's recording, not among several. */
  private readonly stores = new Map<RecordedDialogue, Map<string, Promise<BaseStore>>>();

  private readonly embeddings: Embeddings;

  constructor(embeddings: Embeddings) {
    this.embeddings = new CachedEmbeddings(embeddings);
  }

  /** A copy-on-write fork: what is done to it reaches neither the recorded bank nor other forks. */
  async forkBefore(dialogue: RecordedDialogue, decisionId: string): Promise<MemoryBank> {
    const { namespace, events } = dialogue;
    const stores = this.stores.get(dialogue) ?? new Map<string, Promise<BaseStore>>();
    this.stores.set(dialogue, stores);
    let store = stores.get(decisionId);
    if (store === undefined) {
      store = bankBefore(events, decisionId, { embeddings: this.embeddings }).then((rebuilt) => rebuilt.store);
      stores.set(decisionId, store);
    }
    return new MemoryBank({
      store: new OverlayStore(await store, { embeddings: this.embeddings, fields: ["text"] }),
      namespace,
    });
  }
}
