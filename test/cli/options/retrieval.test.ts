import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addRetrievalOptions, plainCommand, type RetrievalOptions } from "../../../src/cli/options/options.js";
import { chooseRetrieval, chooseTrainingRetrieval } from "../../../src/cli/options/retrieval.js";
import { FileError, UsageError } from "../../../src/errors.js";
import type { Answer, RetrievalSetting } from "../../../src/trace/episode.js";
import { writeAdapterRetrieval } from "../../../src/train/tasks/adapter-retrieval.js";
import { type RecordedDialogue, recordedDialogues } from "../../../src/train/tasks/links.js";

const paper = { memoriesPerSpeaker: 30, namedSpeakersOnly: false };
const few = { memoriesPerSpeaker: 4, namedSpeakersOnly: true };
const some = { memoriesPerSpeaker: 8, namedSpeakersOnly: false };

let folder: string;
let adapterManager: string;
let adapterAnswerer: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "memory-r1-retrieval-"));
  adapterManager = join(folder, "manager", "adapter");
  adapterAnswerer = join(folder, "answerer", "adapter");
  await writeAdapterRetrieval(adapterManager, some);
  await writeAdapterRetrieval(adapterAnswerer, few);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const parsed = (...args: string[]): RetrievalOptions =>
  addRetrievalOptions(plainCommand("x", "", ""))
    .parse(args, { from: "user" })
    .opts();

const answered = (id: string, retrieval: RetrievalSetting | undefined): Answer => ({
  type: "answer",
  id,
  at: "2023-05-07T00:00:00.000Z",
  run: { runId: "r" },
  namespace: ["d"],
  question: { id: `q-${id}`, text: "Where does Ana live?", gold: "Oslo" },
  ...(retrieval === undefined ? {} : { retrieval }),
  retrieved: [],
  selected: [],
  answer: "Oslo",
  unparsable: null,
});
const recorded = (...settings: (RetrievalSetting | undefined)[]): RecordedDialogue[] =>
  recordedDialogues(settings.map((setting, i) => answered(`a${i}`, setting)));

describe("an agent is used as it was trained", () => {
  it("unless an option says otherwise, each for itself", async () => {
    expect(await chooseRetrieval({ adapterManager })).toEqual(some);
    expect(await chooseRetrieval({ adapterManager, ...parsed("--memories-per-speaker", "5") })).toEqual({
      memoriesPerSpeaker: 5,
      namedSpeakersOnly: false,
    });
    expect(await chooseRetrieval({ adapterAnswerer, ...parsed("--no-named-speakers-only") })).toEqual({
      memoriesPerSpeaker: 4,
      namedSpeakersOnly: false,
    });
    expect(await chooseRetrieval({ adapterManager, ...parsed("--named-speakers-only") })).toEqual({
      memoriesPerSpeaker: 8,
      namedSpeakersOnly: true,
    });
  });

  it("also by what ranks memories, which has one form in files: vectors where nothing is said", async () => {
    await writeAdapterRetrieval(join(folder, "hybrid"), { ...few, search: "hybrid" });
    const adapterAnswerer = join(folder, "hybrid");
    expect(await chooseRetrieval({ adapterAnswerer })).toEqual({ ...few, search: "hybrid" });
    expect(await chooseRetrieval({ adapterAnswerer, ...parsed("--search", "vector") })).toEqual(few);
    expect(await chooseRetrieval(parsed("--search", "text"))).toEqual({ ...paper, search: "text" });
    expect(() => parsed("--search", "magic")).toThrow();
  });

  it("and of two agents the answerer's way counts", async () => {
    expect(await chooseRetrieval({ adapterManager, adapterAnswerer })).toEqual(few);
  });

  it("or as in the paper where its folder does not say how", async () => {
    expect(await chooseRetrieval({})).toEqual(paper);
    expect(await chooseRetrieval({ adapterManager: folder })).toEqual(paper);
  });

  it("but not when its folder says it in another form", async () => {
    await writeFile(join(folder, "retrieval.json"), '{"memoriesPerSpeaker": 0, "namedSpeakersOnly": true}');
    const choice = chooseRetrieval({ adapterManager: folder });
    await expect(choice).rejects.toThrow(FileError);
    await expect(choice).rejects.toThrow(/retrieval\.json: field "memoriesPerSpeaker"/);
    await rm(join(folder, "retrieval.json"));
  });
});

describe("an agent is trained with the memories that the episodes were recorded with", () => {
  it("by default, and with the paper's where they do not say", async () => {
    for (const agent of ["manager", "answerer"] as const) {
      expect(await chooseTrainingRetrieval({ agent }, recorded(few, few, undefined))).toEqual(few);
      expect(await chooseTrainingRetrieval({ agent }, recorded(undefined))).toEqual(paper);
    }
  });

  it("except that a manager is rewarded by an answerer that is used as it was trained, or as the options say", async () => {
    expect(await chooseTrainingRetrieval({ agent: "manager", adapterAnswerer }, recorded(some))).toEqual(few);
    const options = parsed("--memories-per-speaker", "3");
    expect(await chooseTrainingRetrieval({ agent: "manager", ...options }, recorded(few))).toEqual({
      memoriesPerSpeaker: 3,
      namedSpeakersOnly: true,
    });
  });

  it("which no option changes for an answerer: its prompts are recorded", async () => {
    const choose = (...args: string[]) =>
      chooseTrainingRetrieval({ agent: "answerer", ...parsed(...args) }, recorded(few));
    expect(await choose("--memories-per-speaker", "4")).toEqual(few);
    await expect(choose("--memories-per-speaker", "5")).rejects.toThrow(
      /expected 4 memories of each speaker whom the question names, by vector search, oldest-first; found 5 memories/,
    );
  });

  it("which have to be recorded alike", async () => {
    const hybrid = { ...few, search: "hybrid" } as const;
    await expect(chooseTrainingRetrieval({ agent: "manager" }, recorded(few, hybrid))).rejects.toThrow(/hybrid search/);
    expect(await chooseTrainingRetrieval({ agent: "manager" }, recorded(few, { ...few, search: "vector" }))).toEqual(
      few,
    );
    await expect(chooseTrainingRetrieval({ agent: "manager" }, recorded(few, some))).rejects.toThrow(UsageError);
  });
});
