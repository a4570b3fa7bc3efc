import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EngineError } from "../../../src/errors.js";
import { openEngine } from "../../../src/model/engine/open-engine.js";
import { writeTinyCheckpoint } from "../tiny-checkpoint.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "open-engine-"));
  await writeTinyCheckpoint(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a closed engine refuses further calls instead of leaving them unanswered", async () => {
  const engine = await openEngine({ folder });
  await engine.close();
  await expect(engine.logprobs([{ promptIds: [3], responses: [[4]] }])).rejects.toThrow(EngineError);
});

test("closes once, however often it is asked to", async () => {
  const engine = await openEngine({ folder });
  await Promise.all([engine.close(), engine.close()]);
  await engine.close();
});

test("a signal that has fired before the call, or fires in it, ends it with AbortError", async () => {
  const engine = await openEngine({ folder });
  const request = { promptIds: [3, 4], maxNewTokens: 20, temperature: 0, seed: 1 };
  const seen: number[] = [];
  const given = { stopIds: [], signal: AbortSignal.abort(), onTokens: (ids: readonly number[]) => seen.push(...ids) };
  await expect(engine.generate([request], given)).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  expect(seen).toEqual([]);
  const abort = new AbortController();
  const onTokens = () => abort.abort();
  const stopped = engine.generate([{ ...request, maxNewTokens: 100 }], { stopIds: [], signal: abort.signal, onTokens });
  await expect(stopped).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  await engine.close();
});

test("a policy's version tells of updates that were made, and a copy's of those that it holds", async () => {
  const engine = await openEngine({ folder });
  const lora = { rank: 2, alpha: 4, seed: 1 };
  const groups = [{ promptIds: [3], responses: [[4, 5]], weights: [[0.5, 0.5]] }];
  await engine.createAdapter("a", lora);
  const updated = engine.update("a", { objective: "likelihood", groups, optimizer: { learningRate: 1e-3 } });
  const copied = engine.copyAdapter("a", "b");
  await Promise.all([updated, copied]);
  await expect(engine.createAdapter("a", { ...lora, rank: 0.5 })).rejects.toThrow();
  expect([engine.policyVersion("a"), engine.policyVersion("b")]).toEqual(["a@1", "b@1"]);
  await engine.close();
});

test("weights that were missing are read again once they are there, and an engine without them closes", async () => {
  const own = await mkdtemp(join(tmpdir(), "open-engine-"));
  await writeTinyCheckpoint(own);
  const engine = await openEngine({ folder: own });
  const [weights, aside] = [join(own, "model.safetensors"), join(own, "aside")];
  await rename(weights, aside);
  const group = { promptIds: [3], responses: [[4]] };
  await expect(engine.logprobs([group])).rejects.toThrow();
  await rename(aside, weights);
  expect((await engine.logprobs([group]))[0]!.logprobs).toHaveLength(1);
  await rename(weights, aside);
  await expect(
    engine.generate([{ promptIds: [3], maxNewTokens: 2, temperature: 0, seed: 1 }], { stopIds: [] }),
  ).rejects.toThrow();
  await engine.close();
  await rm(own, { recursive: true });
});
