import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileError, UsageError } from "../../src/errors.js";
import { dialogueSchema, readDialogues } from "../../src/evaluate/dialogue.js";
import { readLocomo, splitLocomo } from "../../src/evaluate/locomo.js";
import { generateDialogues } from "../../src/synthetic/dialogue.js";

const locomo = fileURLToPath(new URL("../../../shared/data/locomo10.json", import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dialogues-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const sample = {
  sample_id: "conv-26",
  conversation: {
    speaker_a: "Ann",
    speaker_b: "Bob",
    session_10_date_time: "9:05 am on 3 June, 2023",
    session_10: [{ speaker: "Bob", dia_id: "D10:1", text: "Bye." }],
    session_2_date_time: "1:56 pm on 8 May, 2023",
    session_2: [
      { speaker: "Ann", dia_id: "D2:1", text: "Look!", blip_caption: "a photo of a dog", img_url: ["x"] },
      { speaker: "Bob", dia_id: "D2:2", text: "Nice." },
    ],
    session_11_date_time: "1:00 pm on 9 June, 2023",
  },
  observation: {
    session_2_observation: { Ann: [["Ann has a dog.", "D2:1, D2:2"]], Bob: [["Bob likes dogs.", ["D2:2"]]] },
  },
  qa: [
    { question: "Since when?", answer: 2022, evidence: ["D2:1; D10:1", "D:2:02", "D9:9", "D"], category: 2 },
    { question: "Which cat?", adversarial_answer: "Tom", evidence: ["D2:1"], category: 5 },
    { question: "Why?", answer: "Fun; she says so", evidence: [], category: 3 },
  ],
};

describe("readLocomo", () => {
  it("orders sessions by number and leaves out those that are only dated", async () => {
    const [dialogue] = await readLocomo(await file("order.json", [sample]));
    expect(dialogue?.speakers).toEqual(["Ann", "Bob"]);
    expect(dialogue?.turns).toEqual([
      {
        id: "D2:1",
        speaker: "Ann",
        text: "Look! [shared a photo of a dog]",
        time: "8 May 2023",
        when: "1:56 pm on 8 May, 2023",
        session: 2,
      },
      { id: "D2:2", speaker: "Bob", text: "Nice.", time: "8 May 2023", when: "1:56 pm on 8 May, 2023", session: 2 },
      { id: "D10:1", speaker: "Bob", text: "Bye.", time: "3 June 2023", when: "9:05 am on 3 June, 2023", session: 10 },
    ]);
  });

  it("reads number answers, several ids in one evidence string, and leaves adversarial questions out", async () => {
    const [dialogue] = await readLocomo(await file("questions.json", [sample]));
    expect(dialogue?.questions).toEqual([
      { id: "conv-26:q1", text: "Since when?", gold: "2022", category: "2", evidence: ["D2:1", "D10:1", "D2:2"] },
      { id: "conv-26:q3", text: "Why?", gold: "Fun; she says so", category: "3", evidence: [] },
    ]);
  });

  it("gives turns their ready-made facts on request, each fact once, with its own speaker's turn", async () => {
    const [dialogue] = await readLocomo(await file("facts.json", [sample]), { facts: "observation" });
    expect(dialogue?.turns.map(({ facts }) => facts)).toEqual([["Ann has a dog."], ["Bob likes dogs."], []]);
  });

  it("takes the words of turns that have no fact, where asked", async () => {
    const read = await readLocomo(await file("words.json", [sample]), { facts: "observation-or-words" });
    const turns = read[0]!.turns;
    expect(turns.map(({ facts }) => facts)).toEqual([
      ["Ann has a dog."],
      ["Bob likes dogs."],
      [`${turns[2]!.speaker} said: ${turns[2]!.text}`],
    ]);
  });

  it("refuses a file of another form and says where it differs", async () => {
    const undated = { ...sample, conversation: { ...sample.conversation, session_2_date_time: "some day" } };
    await expect(readLocomo(await file("undated.json", [undated]))).rejects.toThrow(
      /undated\.json.*"some day".*session 2/,
    );
    await expect(readLocomo(await file("other.json", [{ id: 1 }]))).rejects.toThrow(FileError);
  });

  it("refuses a split that no conversation belongs to", async () => {
    const dialogues = await readLocomo(await file("split.json", [sample]));
    expect(splitLocomo(dialogues, "train")).toHaveLength(1);
    expect(() => splitLocomo(dialogues, "test")).toThrow(UsageError);
  });
});

describe.skipIf(!existsSync(locomo))("the real LoCoMo file (needs ../shared/data/locomo10.json)", () => {
  it("has the paper's numbers of questions in each split, turns and categories", async () => {
    const dialogues = await readLocomo(locomo);
    const questions = (split: "train" | "validation" | "test") =>
      splitLocomo(dialogues, split).flatMap((d) => d.questions);
    expect(questions("train")).toHaveLength(152);
    expect(questions("validation")).toHaveLength(81);
    const test = questions("test");
    expect(test).toHaveLength(1307);
    const counts = ["1", "2", "3", "4"].map((category) => test.filter((q) => q.category === category).length);
    expect(counts).toEqual([239, 258, 83, 727]);
    expect(dialogues.flatMap(({ turns }) => turns)).toHaveLength(5882);
    for (const dialogue of dialogues) dialogueSchema.parse(dialogue);
  });

  it("has all of the observation's facts on turns, and evidence that exists", async () => {
    const dialogues = await readLocomo(locomo, { facts: "observation" });
    expect(dialogues.flatMap(({ turns }) => turns.flatMap(({ facts }) => facts ?? []))).toHaveLength(2541);
    for (const { turns, questions } of dialogues) {
      const ids = new Set(turns.map(({ id }) => id));
      for (const { evidence = [] } of questions) for (const id of evidence) expect(ids.has(id)).toBe(true);
    }
  });
});

describe("readDialogues", () => {
  it("reads what was written of the synthetic world", async () => {
    const dialogues = generateDialogues({ seed: 1, count: 2, split: "test" });
    const read = await readDialogues(await file("synthetic.json", dialogues));
    expect(read.map(({ id }) => id)).toEqual(dialogues.map(({ id }) => id));
    expect(read[0]?.turns.map(({ facts }) => facts)).toEqual(dialogues[0]?.turns.map(({ facts }) => facts));
  });

  it("says what is wrong: a missing file, broken JSON, another form", async () => {
    await expect(readDialogues(join(folder, "missing.json"))).rejects.toThrow(/missing\.json: file is missing/);
    await expect(readDialogues(await file("cut.json", '[{"id":'))).rejects.toThrow(/cut\.json: file is not JSON/);
    const wrong = readDialogues(await file("wrong.json", [{ id: "a", speakers: ["x"], turns: [], questions: [] }]));
    await expect(wrong).rejects.toThrow(FileError);
    await expect(wrong).rejects.toThrow(/0\.speakers/);
  });

  const turn = { id: "D1:1", speaker: "Ana", session: 1, time: "7 May 2023", text: "I moved to Oslo." };
  const question = { id: "q1", text: "Where does Ana live?", gold: "Oslo", evidence: ["D1:1"], after: "D1:1" };
  const plain = { id: "d1", speakers: ["Ana", "Ben"], turns: [turn], questions: [question] };

  it("takes questions that are asked along the way, after a turn of their dialogue", async () => {
    const along = generateDialogues({ seed: 1, count: 2, split: "test", asking: "along" });
    expect(await readDialogues(await file("along.json", along))).toHaveLength(2);
    expect(await readDialogues(await file("plain.json", [plain]))).toEqual([plain]);
  });

  it.each([
    { of: "dialogues", data: [plain, plain], says: /two dialogues have the same id; .*found dialogue d1 twice/ },
    { of: "turns", data: [{ ...plain, turns: [turn, turn] }], says: /dialogue d1: two turns .*found turn D1:1 twice/ },
    {
      of: "questions",
      data: [{ ...plain, questions: [question, question] }],
      says: /dialogue d1: two questions .*found question q1 twice/,
    },
  ])("refuses two $of of the same id, of which one would overwrite the other", async ({ data, says }) => {
    const read = readDialogues(await file("twice.json", data));
    await expect(read).rejects.toThrow(FileError);
    await expect(read).rejects.toThrow(says);
  });

  it.each([{ evidence: ["D1:1", "D9:9"] }, { after: "D9:9" }])(
    "refuses a question with %o, a turn that is not in its dialogue",
    async (wrong) => {
      const data = [{ ...plain, questions: [{ ...question, ...wrong }] }];
      const read = readDialogues(await file("absent.json", data));
      await expect(read).rejects.toThrow(FileError);
      const field = Object.keys(wrong)[0];
      await expect(read).rejects.toThrow(new RegExp(`dialogue d1, question q1: "${field}" names .*found D9:9`));
    },
  );
});
