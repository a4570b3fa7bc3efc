import type { Embeddings } from "@langchain/core/embeddings";
import { type BaseStore, InMemoryStore } from "@langchain/langgraph";
import { messageOf } from "../errors.js";
import { startChromaServer } from "./chroma-server.js";
import { ChromaStore } from "./chroma-store.js";

export interface OpenStoreOptions {
  readonly embeddings: Embeddings;
  /** LangGraph index paths that are embedded; default: the whole value. */
  readonly fields?: readonly string[];
  /** Data folder of the embedded server. */
  readonly path?: string;
  readonly collection?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Takes the one line that says that memories are not kept. */
  readonly warn?: (line: string) => void;
  /** Starts the embedded server. */
  readonly start?: typeof startChromaServer;
}

export interface OpenedStore {
  readonly store: BaseStore;
  readonly kind: "chroma" | "memory";
  close(): Promise<void>;
}

/**
 * The store that serves here: the Chroma server at `CHROMA_URL`, else the embedded one on `path`, else LangGraph's
 * InMemoryStore with a warning.
 * @throws StoreError where `CHROMA_URL` is unreachable, or the collection was written with other embeddings.
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
  const open = async (url: string, close: () => Promise<void>): Promise<OpenedStore> => {
    const store = new ChromaStore({ url, embeddings, index, ...(collection === undefined ? {} : { collection }) });
    try {
      await store.start();
    } catch (error) {
      await close();
      throw error;
    }
    return { store, kind: "chroma", close };
  };
  if (env.CHROMA_URL) return open(env.CHROMA_URL, async () => undefined);
  const server = await start({ path }).catch((error: unknown) => {
    const line = `Memories are kept in this process only, and are lost when it ends: ${messageOf(error)}`;
    warn(line.replaceAll(/\s+/g, " "));
    return undefined;
  });
  if (server !== undefined) return open(server.url, server.stop);
  const dims = (await embeddings.embedQuery("dimension")).length;
  const store = new InMemoryStore({
    index: { dims, embeddings, ...(fields === undefined ? {} : { fields: [...fields] }) },
  });
  return { store, kind: "memory", close: async () => undefined };
}
