import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { reportVerb } from "../../src/cli/report.js";
import { FileError, UsageError } from "../../src/errors.js";
import { readReport } from "../../src/report/read-report.js";
import { shortTalk, trainingLine } from "./sample.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "report-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

const episodes = (city: string): string =>
  shortTalk("talk", city)
    .map((event) => `${JSON.stringify(event)}\n`)
    .join("");

describe("readReport", () => {
  it("finds all that a tour leaves in its folder", async () => {
    await put("answerer/metrics.jsonl", trainingLine(1));
    await put("manager/metrics.jsonl", trainingLine(1) + trainingLine(2));
    await put("untrained.jsonl", episodes("Rome"));
    await put("trained-manager.jsonl", episodes("Oslo"));
    await put("scores.json", JSON.stringify([{ name: "base", questions: 1, metrics: {} }]));
    const found = await readReport({ folders: [folder] });
    expect(found.runs.map(({ name, steps }) => [name, steps.length])).toEqual([
      ["manager", 2],
      ["answerer", 1],
    ]);
    expect([found.before?.name, found.after?.name, found.scores[0]?.name]).toEqual([
      "untrained",
      "trained-manager",
      "base",
    ]);
  });

  it("reads runs by themselves, tells those of one name apart, and takes null for a number that is none", async () => {
    await put("a/run/metrics.jsonl", trainingLine(1, { kl: null }));
    await put("b/run/metrics.jsonl", trainingLine(1));
    const { runs, before } = await readReport({ folders: [join(folder, "a/run"), join(folder, "b/run")] });
    expect(runs.map(({ name }) => name)).toEqual(["run", "run (2)"]);
    expect(runs[0]!.steps[0]!.kl).toBeNaN();
    expect(before).toBeUndefined();
  });

  it("leaves out lines that a run or a recorder under way has not written to their end", async () => {
    await put("metrics.jsonl", `${trainingLine(1)}{"step":2,"rew`);
    await put("untrained.jsonl", `${episodes("Oslo")}{"type":"answ`);
    const { runs, before } = await readReport({ folders: [folder] });
    expect(runs[0]!.steps.length).toBe(1);
    expect(before!.conversations[0]!.steps.length).toBe(2);
  });

  it.each([
    ["no JSON", "{\n", /metrics\.jsonl:1: .*expected JSON/],
    ["another form", '{"step":"one"}\n', /metrics\.jsonl:1: .*found step: /],
  ])("names the line of metrics that is %s", async (_, text, message) => {
    await put("metrics.jsonl", text);
    const failed = readReport({ folders: [folder] });
    await expect(failed).rejects.toThrow(FileError);
    await expect(failed).rejects.toThrow(message);
  });

  it("names a folder or a file that is missing, and a folder that holds nothing to tell of", async () => {
    await expect(readReport({ folders: [join(folder, "none")] })).rejects.toThrow(/none: .*nothing there/);
    await expect(readReport({ folders: [folder], before: join(folder, "none.jsonl") })).rejects.toThrow(FileError);
    await expect(readReport({ folders: [folder], scores: join(folder, "none.json") })).rejects.toThrow(
      /file is missing/,
    );
    const nothing = readReport({ folders: [folder] });
    await expect(nothing).rejects.toThrow(UsageError);
    await expect(nothing).rejects.toThrow(
      /metrics\.jsonl .*stages \(facts, record, .*evaluate\) with their stage\.json,/,
    );
  });
});

describe("memory-r1 report", () => {
  const call = (...args: string[]) => reportVerb().exitOverride().parseAsync(args, { from: "user" });

  it("writes one file and says where", async () => {
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    try {
      await put("metrics.jsonl", trainingLine(1));
      const file = join(folder, "out.html");
      await call(folder, "--episodes", await put("e.jsonl", episodes("Oslo")), "-o", file);
      expect(write.mock.calls).toEqual([[`${file}\n`]]);
      expect(await readFile(file, "utf8")).toMatch(/^<!doctype html>[\s\S]*Ana lives in Oslo[\s\S]*<\/html>\n$/);
    } finally {
      write.mockRestore();
    }
  });

  it("refuses to report on nothing, and says where it can't write", async () => {
    await expect(call()).rejects.toThrow(UsageError);
    await put("metrics.jsonl", trainingLine(1));
    await expect(call(folder, "-o", join(folder, "none", "out.html"))).rejects.toThrow(
      /out\.html: the report cannot be written/,
    );
  });
});
