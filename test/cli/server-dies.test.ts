import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { StoreError } from "../../src/errors.js";
import { playDialogues } from "../../src/evaluate/play.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { startChromaServer } from "../../src/store/chroma/chroma-server.js";
import { ChromaStore } from "../../src/store/chroma/chroma-store.js";
import { LexicalEmbeddings } from "../../src/store/search/lexical-embeddings.js";
import { generateDialogues } from "../../src/synthetic/dialogue.js";
import { readEpisodes } from "../../src/trace/read.js";
import { EpisodeRecorder } from "../../src/trace/recorder.js";
import { addingManager, knowingAnswerer } from "../evaluate/played-world.js";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

it("a Chroma server killed in the middle of a recording loses no change that the episode file has", async () => {
  const folder = await mkdtemp(join(tmpdir(), "memory-r1-killed-"));
  folders.push(folder);
  const [path, file] = [join(folder, "chroma"), join(folder, "episodes.jsonl")];
  const options = { embeddings: new LexicalEmbeddings(), index: { fields: ["text"] } };
  const dialogues = generateDialogues({ seed: 5, count: 4, split: "train" });
  const agents = { manager: addingManager(), answerer: knowingAnswerer(dialogues), prompts: compactPrompts };

  const first = await startChromaServer({ path });
  const recorder = new EpisodeRecorder({ path: file });
  const recording = playDialogues(dialogues, agents, {
    store: new ChromaStore({ url: first.url, ...options }),
    recorder,
    onProgress: ({ done }) => {
      if (done === 20) process.kill(first.pid!, "SIGKILL");
    },
  });
  await expect(recording).rejects.toBeInstanceOf(StoreError);
  recorder.close();
  await first.stop();

  const steps = readEpisodes(file).flatMap((event) => (event.type === "memory_step" ? [event] : []));
  expect(steps.length).toBeGreaterThanOrEqual(20);
  const changes = steps.flatMap(({ namespace, changes }) => changes.map((change) => ({ namespace, ...change })));
  const second = await startChromaServer({ path });
  const items = await new ChromaStore({ url: second.url, ...options }).batch(
    changes.map(({ namespace, key }) => ({ namespace, key })),
  );
  await second.stop();
  expect(changes.length).toBeGreaterThan(0);
  expect(items.map((item) => item?.value)).toEqual(changes.map(({ after }) => after));
});
