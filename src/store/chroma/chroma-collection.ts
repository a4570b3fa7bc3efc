import type { Embeddings } from "@langchain/core/embeddings";
import { type ChromaClient, ChromaNotFoundError, ChromaUniqueError, type Collection } from "chromadb";
import { StoreError } from "../../errors.js";
import { embeddingsName } from "../search/embeddings-name.js";
import { checkServer } from "./chroma-client.js";
import { guarded, otherEmbeddings } from "./chroma-errors.js";

/** What the layout of the rows is called in a collection's metadata; another layout gets another name. */
const LAYOUT = "langgraph-store-3";
/** A layout whose rows are read as well: each has its value as its document until it is written again. */
const EARLIER_LAYOUT = "langgraph-store-2";
/** What all OnnxEmbeddings were called before: such a collection takes the name of the first one that opens it. */
const EARLIER_ONNX = "OnnxEmbeddings";
/** Keys of the collection's metadata. */
const KEYS = { layout: "memory_r1_layout", embeddings: "memory_r1_embeddings", dimension: "memory_r1_dimension" };

export interface OpenCollection {
  readonly collection: Collection;
  /** Length of the vectors. */
  readonly dimension: number;
  /** Most rows that the server takes in one request. */
  readonly maxBatch: number;
}

/**
 * The collection of that name, created where there is none; its metadata records the embeddings' name and dimension.
 * @throws StoreError where the server is unreachable, or the collection was written with other embeddings or by
 * something else; nothing is written then.
 */
export async function openCollection(
  client: ChromaClient,
  name: string,
  embeddings: Embeddings,
  server: string,
  unreachable?: string,
): Promise<OpenCollection> {
  await checkServer(client, server, unreachable);
  const dimension = (await embeddings.embedQuery("dimension")).length;
  const identity = {
    [KEYS.layout]: LAYOUT,
    [KEYS.embeddings]: embeddingsName(embeddings),
    [KEYS.dimension]: dimension,
  };
  const where = `${server}, collection "${name}"`;
  const open = async () => {
    const collection = (await existing(client, name)) ?? (await create(client, name, identity));
    checkIdentity(collection, identity, where);
    // From now on an earlier version of this package would misread it, and must refuse it.
    const isCurrent = Object.entries(identity).every(([key, value]) => collection.metadata?.[key] === value);
    if (!isCurrent) await collection.modify({ metadata: identity });
    const maxBatch = await client.getMaxBatchSize();
    return { collection, dimension, maxBatch: maxBatch > 0 ? maxBatch : Number.POSITIVE_INFINITY };
  };
  return guarded("opening the collection", where, open, unreachable);
}

async function existing(client: ChromaClient, name: string): Promise<Collection | undefined> {
  try {
    return await client.getCollection({ name });
  } catch (error) {
    if (error instanceof ChromaNotFoundError) return undefined;
    throw error;
  }
}

async function create(
  client: ChromaClient,
  name: string,
  metadata: Record<string, string | number>,
): Promise<Collection> {
  try {
    // A wider search than Chroma's default, since a namespace is a small part of the collection.
    const width = { ef_construction: 200, ef_search: 200, max_neighbors: 32 };
    // Each write reads the log since the index was last saved. At 100,000 items, saving at 150 writes costs the mean write
    // least (Chroma's default is 1000), and still fewer than one write in a hundred waits for it.
    const hnsw = { space: "cosine" as const, ...width, sync_threshold: 150 };
    return await client.createCollection({ name, metadata, embeddingFunction: null, configuration: { hnsw } });
  } catch (error) {
    // Another process created it since we looked.
    if (error instanceof ChromaUniqueError) return client.getCollection({ name });
    throw error;
  }
}

function checkIdentity(collection: Collection, wanted: Record<string, string | number>, where: string): void {
  const found = collection.metadata ?? {};
  if (found[KEYS.layout] !== LAYOUT && found[KEYS.layout] !== EARLIER_LAYOUT) {
    throw new StoreError({
      what: "the collection was not written by this store, or by an older version of it",
      where,
      expected: `${KEYS.layout} "${LAYOUT}" in its metadata`,
      found: JSON.stringify(found[KEYS.layout]) ?? "nothing",
      remedy: "choose another collection name",
    });
  }
  const [written, given] = [found[KEYS.embeddings], wanted[KEYS.embeddings]];
  const sameName = written === given || (written === EARLIER_ONNX && String(given).startsWith("onnx:"));
  if (sameName && found[KEYS.dimension] === wanted[KEYS.dimension]) return;
  const describe = (metadata: Record<string, unknown>) =>
    `name "${metadata[KEYS.embeddings]}" and dimension ${metadata[KEYS.dimension]}`;
  throw otherEmbeddings(where, describe(found), describe(wanted));
}
