import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EngineError } from "../../src/errors.js";
import { openEngine } from "../../src/model/open-engine.js";
import { writeTinyCheckpoint } from "./tiny-checkpoint.js";

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

test("a signal that has fired before the call ends a stream before its first token", async () => {
  const engine = await openEngine({ folder });
  const signal = AbortSignal.abort();
  const seen: number[] = [];
  const request = { promptIds: [3, 4], maxNewTokens: 20, temperature: 0, seed: 1 };
  const onTokens = (ids: readonly number[]) => seen.push(...ids);
  const generated = await engine.generate([request], { stopIds: [], signal, onTokens });
  expect(generated[0]?.[0]?.ids).toEqual(seen);
  expect(seen.length).toBeLessThan(20);
  await engine.close();
});
