import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkAgent, checkTrainable, checkUnseen } from "../../../src/cli/hygiene.js";
import { FileError, UsageError } from "../../../src/errors.js";
import { heldOutSplit } from "../../../src/evaluate/held-out.js";
import { namespaceLabel } from "../../../src/store/namespace.js";
import { generateDialogues } from "../../../src/synthetic/dialogue.js";
import {
  conversationMark,
  readTrainedOn,
  recordedMark,
  writeTrainedOn,
} from "../../../src/train/tasks/conversations.js";
import { recordedDialogues } from "../../../src/train/tasks/links.js";
import { temporaryFolder } from "../../model/reference.js";
import { recordWorld, world } from "../recorded-world.js";

const dialogue = (id: string, text: string) => ({ id, turns: [{ speaker: "Ana", time: "7 May 2023", text }] });
const ids = (...names: string[]) => names.map((id) => ({ id, opening: null }));

describe("conversations", () => {
  it("are known again from a recording, by id and first turn", async () => {
    const recorded = recordedDialogues(await recordWorld()).map(recordedMark);
    expect(recorded).toEqual(world.map(conversationMark));
  });

  it("keep an id that a namespace cannot hold as it is", () => {
    const label = namespaceLabel("talk 1.a:b");
    const mark = recordedMark({
      namespace: ["recordings", "run", label],
      events: [],
      speakers: [],
      steps: [],
      changing: [],
      calls: new Map(),
      questions: [],
    });
    expect(mark).toEqual({ id: "talk 1.a:b", opening: null });
  });
});

describe("held-out conversations", () => {
  it("are those of LoCoMo's validation and test, and the generated world's test", () => {
    expect(["conv-26", "conv-30", "conv-50", "conv-7", "mine"].map(heldOutSplit)).toEqual([
      undefined,
      "validation split of LoCoMo",
      "test split of LoCoMo",
      undefined,
      undefined,
    ]);
    const of = (split: "train" | "test") => generateDialogues({ seed: 3, count: 2, split }).map(({ id }) => id);
    expect(of("train").map(heldOutSplit)).toEqual([undefined, undefined]);
    expect(of("test").every((id) => heldOutSplit(id) !== undefined)).toBe(true);
  });

  it("cannot be learned from", () => {
    expect(() => checkTrainable(ids("conv-26", "own"))).not.toThrow();
    expect(() => checkTrainable(ids("conv-26", "conv-30", "conv-44"))).toThrow(UsageError);
    expect(() => checkTrainable(ids("conv-26", "conv-30", "conv-44"))).toThrow(
      /found conv-30 \(validation split of LoCoMo\), conv-44 \(test .*--allow-held-out/,
    );
  });
});

describe("an adapter", () => {
  it("cannot be evaluated on a conversation that it learned from", async () => {
    const adapter = join(await temporaryFolder(), "adapter");
    await writeTrainedOn(adapter, { conversations: [conversationMark(dialogue("d1", "Hello")), ...ids("d2")] });
    await expect(checkUnseen([dialogue("d1", "Hello")], [adapter])).rejects.toThrow(/found d1; .*--allow-trained/);
    await expect(checkUnseen([dialogue("d2", "Whatever")], [adapter])).rejects.toThrow(UsageError);
    await expect(checkUnseen([dialogue("d3", "Hello")], [adapter])).resolves.toBeUndefined();
    // Another conversation under the same name.
    await expect(checkUnseen([dialogue("d1", "Good evening")], [adapter])).resolves.toBeUndefined();
  });

  it("is refused in the other agent's place", async () => {
    const adapter = join(await temporaryFolder(), "adapter");
    await writeTrainedOn(adapter, { task: "answerer", conversations: [] });
    await expect(checkAgent("answerer", adapter)).resolves.toBeUndefined();
    await expect(checkAgent("manager", adapter)).rejects.toThrow(
      /trained as manager; found one that was trained as answerer; pass it as --adapter-answerer/,
    );
  });

  it("of which nothing is known is taken as unseen, and a file of another form is refused", async () => {
    const adapter = join(await temporaryFolder(), "adapter");
    await mkdir(adapter);
    expect(await readTrainedOn(adapter)).toEqual({ conversations: [] });
    await expect(checkAgent("manager", adapter)).resolves.toBeUndefined();
    await writeFile(join(adapter, "trained-on.json"), '{"conversations": ["d1"]}');
    await expect(readTrainedOn(adapter)).rejects.toThrow(FileError);
  });
});
