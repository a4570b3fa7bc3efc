import { InMemoryStore } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { StoreError } from "../../src/errors.js";
import { ChromaStore } from "../../src/store/chroma/chroma-store.js";
import { openStore } from "../../src/store/open-store.js";
import { LexicalEmbeddings } from "../../src/store/search/lexical-embeddings.js";
import { temporaryFolder, testServer } from "./servers.js";

const embeddings = new LexicalEmbeddings();
const silent = (line: string) => expect.fail(`no warning was due: ${line}`);
const never = () => expect.fail("no server should be started");

describe("openStore", () => {
  it("starts the embedded server, and finds the memories again at the next start", async () => {
    const path = await temporaryFolder();
    const first = await openStore({ embeddings, path, env: {}, warn: silent });
    expect(first.kind).toBe("chroma");
    await first.store.put(["m"], "k", { text: "Ana lives in Oslo" });
    await first.close();
    const second = await openStore({ embeddings, path, env: {}, warn: silent });
    const [found] = await second.store.search(["m"], { query: "Where does Ana live?" });
    expect(found!.value).toEqual({ text: "Ana lives in Oslo" });
    await second.close();
  });

  it("shares one server between two opened at once, whose end it tells the one that did not start it", async () => {
    const path = await temporaryFolder();
    const open = () => openStore({ embeddings, path, env: {}, warn: silent });
    const first = await open();
    const second = await open();
    await first.store.put(["m"], "k", { text: "x" });
    expect(await second.store.search(["m"])).toHaveLength(1);
    await first.close();
    const error = await second.store.put(["m"], "k", { text: "y" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      remedy: expect.stringMatching(/^the embedded server has ended: .*; open the store again$/),
    });
    const again = await open();
    expect(await again.store.search(["m"])).toHaveLength(1);
    await again.close();
    await second.close();
  });

  it("uses the server at CHROMA_URL and leaves it running", async () => {
    const { url } = await testServer();
    for (let round = 0; round < 2; round += 1) {
      const opened = await openStore({ embeddings, env: { CHROMA_URL: url }, warn: silent, start: never });
      expect(opened.store).toBeInstanceOf(ChromaStore);
      await opened.store.put(["m"], `k${round}`, { text: "x" });
      await opened.close();
    }
    const { store } = await openStore({ embeddings, env: { CHROMA_URL: url }, warn: silent, start: never });
    expect(await store.search(["m"])).toHaveLength(2);
  });

  it("does not fall back where CHROMA_URL cannot be reached", async () => {
    const opening = openStore({ embeddings, env: { CHROMA_URL: "http://127.0.0.1:9" }, warn: silent, start: never });
    const error = await opening.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ where: "http://127.0.0.1:9" });
  });

  it("serves from memory with one line that says why where no server can start", async () => {
    const lines: string[] = [];
    const start = async () => {
      throw new StoreError({ what: "no binary\nloads", remedy: "Install one." });
    };
    const { store, kind } = await openStore({
      embeddings,
      fields: ["text"],
      env: {},
      warn: (line) => lines.push(line),
      start,
    });
    expect(kind).toBe("memory");
    expect(store).toBeInstanceOf(InMemoryStore);
    expect(lines).toEqual([
      expect.stringMatching(/^Memories are kept in this process only.*no binary loads.*Install one\.$/),
    ]);
    await store.put(["m"], "k", { text: "Ana lives in Oslo" });
    const [found] = await store.search(["m"], { query: "Ana lives in Oslo" });
    expect(found!.score).toBeCloseTo(1, 5);
  });

  it("refuses other embeddings than the folder was written with, and ends the server", async () => {
    const path = await temporaryFolder();
    const first = await openStore({ embeddings, path, env: {}, warn: silent });
    await first.close();
    const other = new LexicalEmbeddings({ dimensions: 64 });
    await expect(openStore({ embeddings: other, path, env: {}, warn: silent })).rejects.toBeInstanceOf(StoreError);
    const again = await openStore({ embeddings, path, env: {}, warn: silent });
    expect(again.kind).toBe("chroma");
    await again.close();
  });
});
