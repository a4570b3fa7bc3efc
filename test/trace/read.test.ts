import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileError } from "../../src/errors.js";
import { readEpisodes } from "../../src/trace/read.js";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "episodes-"));
  path = join(folder, "episode.jsonl");
});

afterEach(() => rmSync(folder, { recursive: true }));

const reward = (id: string) => JSON.stringify({ type: "reward", id, at: "now", of: "a", name: "f1", value: 1 });

function failure(): FileError {
  try {
    readEpisodes(path);
  } catch (error) {
    expect(error).toBeInstanceOf(FileError);
    return error as FileError;
  }
  throw new Error("the file was read");
}

test("a file that is cut in the middle of a line is refused by file and line, and read up to it on request", () => {
  const whole = `${reward("1")}\n${reward("2")}\n${reward("3")}\n`;
  for (let end = 1; end < whole.length; end++) {
    writeFileSync(path, whole.slice(0, end));
    const lines = whole.slice(0, end).split("\n").length - 1;
    if (whole[end - 1] === "\n") {
      expect(readEpisodes(path)).toHaveLength(lines);
    } else {
      expect(failure()).toMatchObject({
        where: `${path}:${lines + 1}`,
        remedy: expect.stringMatching("tolerateCutTail"),
      });
    }
    expect(readEpisodes(path, { tolerateCutTail: true })).toHaveLength(lines);
  }
});

test("a line that is no JSON or no event is named, with what was expected and found", () => {
  writeFileSync(path, `${reward("1")}\nnot json\n`);
  expect(failure()).toMatchObject({ where: `${path}:2`, what: "the line is not JSON", found: '"not json"' });
  writeFileSync(path, `${reward("1")}\n{"type":"reward","id":"2"}\n`);
  expect(failure()).toMatchObject({
    where: `${path}:2`,
    expected: expect.stringContaining("memory_step, answer, undo, reward"),
    found: expect.stringMatching(/^at: /),
  });
});

test("an event that stands twice in the file is read once", () => {
  writeFileSync(path, `${reward("1")}\n${reward("1")}\n`);
  expect(readEpisodes(path)).toHaveLength(1);
});

test("a missing file is named", () => {
  expect(failure()).toMatchObject({ where: path, found: expect.stringMatching("ENOENT") });
});
