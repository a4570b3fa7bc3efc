import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryBank } from "../../src/memory/bank/bank.js";
import { startChromaServer } from "../../src/store/chroma/chroma-server.js";
import { ChromaStore } from "../../src/store/chroma/chroma-store.js";
import { namespaceLabel } from "../../src/store/namespace.js";
import { LexicalEmbeddings } from "../../src/store/search/lexical-embeddings.js";
import { runCli } from "./run-cli.js";

let path: string;

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), "memory-r1-audit-"));
  const server = await startChromaServer({ path });
  const store = new ChromaStore({
    url: server.url,
    embeddings: new LexicalEmbeddings(),
    index: { fields: ["text"] },
  });
  const say = async (user: string, ...texts: string[]) => {
    const bank = new MemoryBank({ store, namespace: ["chat", user], history: true });
    for (const [at, text] of texts.entries()) {
      const turn = { id: `D1:${at}`, speaker: user, text, time: `${at + 1} May 2023` };
      await bank.apply([{ event: "ADD", text }], [], turn);
    }
  };
  await say("ana", "Ana lives in Oslo", "Ana plays the cello", "Ana no longer lives in Oslo");
  await say("ben", "Ben has a red bicycle", "Ben has a red bicycle!");
  await say("cleo", "Cleo likes tea");
  for (const name of ["A.B", "Ana Lee"]) await say(namespaceLabel(name), "There is a cat");
  await server.stop();
});
afterAll(() => rm(path, { recursive: true, force: true }));

describe("memory-r1 audit", () => {
  it("shows what says the same twice and what may contradict, bank by bank, with the evidence", async () => {
    const { code, stdout, stderr } = await runCli("audit", "--store-path", path);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("chat/ana: 3 memories, 1 findings");
    expect(stdout).toMatch(
      /contradiction \(similarity 0\.\d\d\)\n.*turn D1:0: Ana lives in Oslo.*\n.*turn D1:2: Ana no/,
    );
    expect(stdout).toMatch(/shared: Ana, lives, Oslo;.*denied by: no, longer/);
    expect(stdout).toMatch(/chat\/ben: 2 memories, 1 findings\n {2}near-duplicate/);
    expect(stdout).toContain("chat/cleo: 1 memories, 0 findings");
    // Histories lie in the store too, and are no banks.
    expect(stdout).not.toContain("memory-history");
  });

  it("looks at one bank where it is named, and writes JSON lines", async () => {
    const { code, stdout } = await runCli("audit", "--store-path", path, "--namespace", "chat/ben", "--json");
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      namespace: ["chat", "ben"],
      memories: 2,
      findings: [{ kind: "near-duplicate", older: { value: { text: "Ben has a red bicycle" } } }],
    });
  });

  it("finds less where more similarity is asked for, and says when there is nothing", async () => {
    const strict = await runCli("audit", "--store-path", path, "--duplicate", "1", "--related", "1");
    expect(strict.stdout).toContain("chat/ana: 3 memories, 0 findings");
    const nobody = await runCli("audit", "--store-path", path, "--namespace", "chat/nobody");
    expect(nobody).toMatchObject({ code: 0, stdout: "no memories below chat/nobody\n" });
  });

  it("finds a user's bank by the name that chat was given", async () => {
    for (const [name, label] of [
      ["A.B", "A%2EB"],
      ["Ana Lee", "Ana%20Lee"],
    ]) {
      const { code, stdout } = await runCli("audit", "--store-path", path, "--namespace", `chat/${name}`);
      expect([code, stdout]).toEqual([0, `chat/${label}: 1 memories, 0 findings\n`]);
    }
  });

  it("refuses options that cannot be used", async () => {
    for (const wrong of [
      ["--duplicate", "2"],
      ["--related", "x"],
      ["--namespace", "chat//ana"],
    ])
      expect((await runCli("audit", "--store-path", path, ...wrong)).code).toBe(2);
  });
});
