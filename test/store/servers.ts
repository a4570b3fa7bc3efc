import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { type ChromaServer, startChromaServer } from "../../src/store/chroma/chroma-server.js";
import { ChromaStore, type ChromaStoreOptions } from "../../src/store/chroma/chroma-store.js";
import { conformanceIndex } from "../../src/testing/index.js";

const folders: string[] = [];
const servers: ChromaServer[] = [];

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

/** A new folder below the system's temporary one; removed after the tests of the file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "memory-r1-store-"));
  folders.push(folder);
  return folder;
}

/** A real embedded server for the tests of one file. */
export async function testServer(): Promise<ChromaServer> {
  const server = await startChromaServer({ path: await temporaryFolder() });
  servers.push(server);
  return server;
}

let collections = 0;

/** A ChromaStore on a collection of its own, with the embeddings of the shared cases. */
export function newChromaStore(url: string, options: Partial<ChromaStoreOptions> = {}): ChromaStore {
  collections += 1;
  const { embeddings, fields } = conformanceIndex;
  return new ChromaStore({ url, embeddings, index: { fields }, collection: `test-${collections}`, ...options });
}
