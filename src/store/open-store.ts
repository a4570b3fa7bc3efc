import type { Embeddings } from "@langchain/core/embeddings";
import type { BaseStore } from "@langchain/langgraph";
import { messageOf } from "../errors.js";
import { startChromaServer } from "./chroma/chroma-server.js";
import { ChromaStore, type ChromaStoreOptions } from "./chroma/chroma-store.js";
import { rankedMemoryStore } from "./ranked-memory-store.js";

export interface OpenStoreOptions {
  readonly embeddings: Embeddings;
  /** LangGraph index paths that are embedded; default: the whole value. */
  readonly fields?: readonly string[];
  /** Data folder of the embedded server. */
  readonly path?: string;
  readonly collection?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Receives the one-line warning that memories are not persisted. */
  readonly warn?: (line: string) => void;
  /** Starts the embedded server. */
  readonly start?: typeof startChromaServer;
}

export interface OpenedStore {
  readonly store: BaseStore;
  readonly kind: "chroma" | "memory";
  /** Stops the embedded server, for all stores on it, if this one started it. */
  close(): Promise<void>;
}

/** Of an embedded server: CHROMA_URL has no part in it. */
const UNREACHABLE =
  "the embedded server has ended: the store that had started it was closed, or its process ended; open the store again";

/**
 * Opens the best store that is available: the Chroma server at `CHROMA_URL`, else the embedded one on `path`, else
 * LangGraph's InMemoryStore with a warning. Stores open on one `path` at the same time, in one process or several, share
 * the embedded server that the first of them started: closing that store, or the end of its process, stops the server for
 * all.
 * @throws StoreError if `CHROMA_URL` is unreachable, or the collection was written with other embeddings.
 */
export async function openStore({
  embeddings,
  fields,
  path = ".memory-r1/chroma",
  collection,
  env = process.env,
  warn = console.warn,
  start = startChromaServer,
}: OpenStoreOptions): Promise<OpenedStore> {
  const index = fields === undefined ? {} : { fields };
  const named = collection === undefined ? {} : { collection };
  const open = async (
    server: Pick<ChromaStoreOptions, "url" | "unreachableRemedy">,
    close: () => Promise<void>,
  ): Promise<OpenedStore> => {
    const store = new ChromaStore({ ...server, embeddings, index, ...named });
    try {
      await store.start();
    } catch (error) {
      await close();
      throw error;
    }
    return { store, kind: "chroma", close };
  };
  if (env.CHROMA_URL) return open({ url: env.CHROMA_URL }, async () => undefined);
  const server = await start({ path }).catch((error: unknown) => {
    const line = `Memories are kept in this process only, and are lost when it ends: ${messageOf(error)}`;
    warn(line.replaceAll(/\s+/g, " "));
    return undefined;
  });
  if (server !== undefined) return open({ url: server.url, unreachableRemedy: UNREACHABLE }, server.stop);
  const store = await rankedMemoryStore({ embeddings, fields });
  return { store, kind: "memory", close: async () => undefined };
}
