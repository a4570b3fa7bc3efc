import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { loadDialogues } from "../../../src/cli/options/dialogues.js";
import type { FactSource } from "../../../src/evaluate/fact-source.js";

let folder: string;
let stderr: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "memory-r1-dialogues-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  stderr = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const turn = (id: string, text: string, facts?: string[]) => ({
  id,
  speaker: "Ana",
  session: 1,
  time: "7 May 2023",
  text,
  ...(facts === undefined ? {} : { facts }),
});
const told = turn("D1:1", "I moved to Oslo.", ["Ana lives in Oslo"]);
const untold = turn("D1:2", "I have a dog.");
const smallTalk = turn("D1:3", "Well, well.", []);

/** The source of the facts, and the facts of each turn. */
async function load(turns: readonly (typeof told)[], facts?: FactSource) {
  const data = join(folder, "dialogues.json");
  await writeFile(data, JSON.stringify([{ id: "d1", speakers: ["Ana", "Ben"], turns, questions: [] }]));
  const options = { data, dialogues: 1, seed: 0, ...(facts === undefined ? {} : { facts }) };
  const loaded = await loadDialogues(options, "test");
  return [loaded.facts, ...loaded.dialogues[0]!.turns.map((one) => one.facts)];
}

describe("the facts of a dialogue file", () => {
  it("are used by default where any turn carries some, and it is said how many do", async () => {
    expect(await load([told, untold, smallTalk])).toEqual(["observation", ["Ana lives in Oslo"], [], []]);
    expect(stderr).toBe("facts: those of the file, which 2 of 3 turns have\n");
  });

  it("are found by the model where no turn carries any, or where the user wants that", async () => {
    expect((await load([untold]))[0]).toBe("model");
    expect((await load([told], "model"))[0]).toBe("model");
    expect(stderr).toBe("");
  });

  it("are a turn's own words where it has none and the user wants that, but not where it is said to tell nothing", async () => {
    const wanted = ["observation-or-words", ["Ana lives in Oslo"], ["Ana said: I have a dog."], []];
    expect(await load([told, untold, smallTalk], "observation-or-words")).toEqual(wanted);
  });

  it("are found by the model in a generated world, unless the user says otherwise", async () => {
    const world = { dialogues: 1, seed: 0 };
    expect((await loadDialogues(world, "test")).facts).toBe("model");
    expect((await loadDialogues({ ...world, facts: "observation" }, "test")).facts).toBe("observation");
  });
});
