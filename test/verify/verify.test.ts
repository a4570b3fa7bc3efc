import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FileError } from "../../src/errors.js";
import { type Check, float32Bounds } from "../../src/verify/check.js";
import { verify } from "../../src/verify/run.js";
import { referenceFolder, referencesAbsent, temporaryFolder } from "../model/reference.js";

interface Line {
  readonly check: string;
  readonly pass?: boolean;
  readonly skipped?: string;
}

/** Runs the command as its users do. */
function run(...args: string[]): Promise<{ code: number; lines: Line[]; error: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", "src/cli/main.ts", "verify", ...args], (failure, stdout, stderr) => {
      const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
      const code = failure === null ? 0 : Number(failure.code);
      resolve({ code, lines: lines.map((line) => JSON.parse(line) as Line), error: stderr });
    });
  });
}

const folder = join(referenceFolder, "llama-untied");

/** What the checks of these paths are, without the command around them. */
async function checks(paths: readonly string[], models?: string): Promise<Check[]> {
  const found: Check[] = [];
  for await (const check of verify(paths, { models, device: "cpu", bounds: float32Bounds })) found.push(check);
  return found;
}

const chatFile = JSON.stringify({
  made_with: "by hand",
  absent: [
    {
      messages: [{ role: "user", content: "Hi" }],
      rendered: "Hi",
      prompt_ids: [1],
      greedy_ids: [2],
      logprobs: [-1],
      smallest_margin: 1,
    },
  ],
  encoder: [{ text: "Hi", ids: [1], embedding: [1] }],
});

describe.skipIf(referencesAbsent)("verify on a reference folder (needs ../shared/reference)", () => {
  it("passes every check and exits with 0", async () => {
    const { code, lines } = await run(folder);
    expect(lines.filter(({ pass }) => pass !== true)).toEqual([]);
    expect(lines.length).toBeGreaterThanOrEqual(22);
    expect(code).toBe(0);
  });

  it("exits with 1 where one number of the adapter was changed, and only what needs the adapter fails", async () => {
    const copy = join(await temporaryFolder(), "copy");
    await cp(folder, copy, { recursive: true });
    const file = join(copy, "adapter", "adapter_model.safetensors");
    const bytes = await readFile(file);
    bytes.writeFloatLE(bytes.readFloatLE(bytes.length - 4) + 0.5, bytes.length - 4);
    await writeFile(file, bytes);
    const { code, lines } = await run(copy);
    const failed = lines.filter(({ pass }) => pass === false).map(({ check }) => check);
    expect(failed).toContain("log-probabilities, with adapter");
    expect(failed.some((check) => check.includes("gradients"))).toBe(true);
    const untouched = lines.filter(({ check }) => /^logits|, base$|advantages/.test(check));
    expect(untouched.length).toBeGreaterThanOrEqual(4);
    expect(untouched.every(({ pass }) => pass)).toBe(true);
    expect(code).toBe(1);
  });

  it("throws FileError where a tensor of the expected numbers is missing", async () => {
    const copy = join(await temporaryFolder(), "copy");
    await cp(folder, copy, { recursive: true });
    await cp(join(copy, "model.safetensors"), join(copy, "expected.safetensors"));
    await expect(checks([copy])).rejects.toThrow(/expected\.safetensors: tensor "\w+" is missing/);
  });
});

describe("verify", () => {
  it.each([
    ["no such path", "missing.json", undefined, /missing\.json: nothing to read here/],
    ["text that is not JSON", "garbage.json", "][", /garbage\.json: file is not JSON/],
    ["JSON of another form", "other.json", '{"a": 1}', /other\.json: field "a" is wrong/],
    ["an empty list", "empty.json", "[]", /empty\.json: field "" is wrong/],
  ])("throws FileError for %s", async (_, name, text, message) => {
    const path = join(await temporaryFolder(), name);
    if (text !== undefined) await writeFile(path, text);
    const failure = await checks([path]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FileError);
    expect(String(failure)).toMatch(message);
  });

  it("names the first file that a folder lacks to be a reference", async () => {
    await expect(checks([await temporaryFolder()])).rejects.toThrow(/not a reference folder.*found no config\.json/);
  });

  it("reports a model that is absent and an encoder that is absent as skipped, with the reason", async () => {
    const file = join(await temporaryFolder(), "chat.json");
    await writeFile(file, chatFile);
    expect(await checks([file], await temporaryFolder())).toEqual([
      { file, check: "absent", skipped: expect.stringContaining("no checkpoint at") },
      { file, check: "encoder", skipped: expect.stringContaining("no checkpoint at") },
    ]);
    expect(await checks([file])).toContainEqual({
      file,
      check: "absent",
      skipped: expect.stringContaining("--models"),
    });
  });

  it("exits with 2 and the typed error where an input cannot be used or nothing was checked", async () => {
    const folder = await temporaryFolder();
    const [garbage, chats] = [join(folder, "garbage.json"), join(folder, "chat.json")];
    await writeFile(garbage, "][");
    await writeFile(chats, chatFile);
    const [unreadable, skipped] = [await run(chats, garbage), await run(chats, "--models", folder)];
    expect(unreadable).toMatchObject({ code: 2, lines: [], error: expect.stringMatching(/file is not JSON/) });
    expect(skipped).toMatchObject({ code: 2, error: expect.stringMatching(/no check could be made/) });
    expect(skipped.lines).toHaveLength(2);
  });
});
