import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.js";
import { answerTask } from "../../src/train/tasks/answer-task.js";
import { creditOperations } from "../../src/train/tasks/credit.js";
import { type RecordedDialogue, recordedDialogues } from "../../src/train/tasks/links.js";
import { withStableIds } from "../../src/train/tasks/stable-ids.js";
import { operations } from "../memory/scripted-model.js";
import { addFacts, play, scriptedPolicy, world } from "./recorded-world.js";

/** As a recipe's stages record: of any manager, under the same ids. */
const recorded = async (manage: (prompt: string) => string): Promise<RecordedDialogue[]> =>
  recordedDialogues(withStableIds(await play([world[0]!], manage)));

const forgetsTheCat = (prompt: string) =>
  prompt.includes("- Ana has a cat") ? operations({ event: "NOOP" }) : addFacts(prompt);

describe("two recordings with equal ids", () => {
  it("are credited each from its own banks", async () => {
    const [first, second] = [await recorded(addFacts), await recorded(forgetsTheCat)];
    const options = { policy: scriptedPolicy(() => ""), reward: "exact-match", questions: "all" } as const;
    const alone = [await creditOperations(first, options), await creditOperations(second, options)];
    const both = await creditOperations([...first, ...second], options);
    expect(both.operations).toHaveLength(5);
    expect(both.operations).toEqual(expect.arrayContaining(alone.flatMap((report) => report.operations)));
  });

  it("are no training data together, since items are drawn by their ids", async () => {
    const dialogues = [...(await recorded(addFacts)), ...(await recorded(forgetsTheCat))];
    const options = { policy: scriptedPolicy(() => ""), adapter: "answerer", reward: "f1" } as const;
    expect(() => answerTask(dialogues, options)).toThrow(UsageError);
    expect(() => answerTask(dialogues, options)).toThrow(/one, question cat twice/);
  });
});
