import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bestOf, keepBest, type ValidationResult } from "../../src/recipe/validation.js";

const folder = await mkdtemp(join(tmpdir(), "memory-r1-validation-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const result = (step: number, f1: number, candidate = true): ValidationResult => ({
  step,
  candidate,
  f1,
  questions: 4,
  exactMatch: 0,
  trainingSeconds: 0,
});

describe("the checkpoint that a stage chooses", () => {
  it("is the best that it trained, the earliest of equals, whatever a new adapter began with", () => {
    const trained = [result(1, 0.2), result(2, 0.4), result(3, 0.4)];
    expect(bestOf([result(0, 0.9, false), ...trained])).toBe(trained[1]);
    expect(bestOf([result(0, 0.9, false)])).toBeUndefined();
  });

  it("is the one of another stage that it began with, where it trained none as good", () => {
    const start = result(100, 0.38, false);
    expect(bestOf([start])).toBe(start);
    expect(bestOf([start, result(120, 0.35), result(140, 0.37)])).toBe(start);
    const equal = result(140, 0.38);
    expect(bestOf([start, result(120, 0.35), equal])).toBe(equal);
  });

  it("is kept as a copy, alone, wherever it lies", async () => {
    const [own, other, stage] = ["own", "other", "stage"].map((name) => join(folder, name)) as [string, string, string];
    for (const [from, step] of [
      [own, 2],
      [other, 1],
    ] as const) {
      await mkdir(join(from, `checkpoint-${step}`), { recursive: true });
      await writeFile(join(from, `checkpoint-${step}`, "weights"), `${step}`);
    }
    await keepBest(stage, other, 1);
    await keepBest(stage, own, 2);
    expect(await readdir(join(stage, "chosen"))).toEqual(["checkpoint-2"]);
    await keepBest(stage, other, 1);
    expect(await readdir(join(stage, "chosen"))).toEqual(["checkpoint-1"]);
    expect(await readFile(join(stage, "chosen", "checkpoint-1", "weights"), "utf8")).toBe("1");
  });
});
