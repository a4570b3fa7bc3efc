import { UsageError } from "../errors.js";
import { type Dialogue, readDialogueJson, readDialogues } from "../evaluate/dialogue.js";
import { type LocomoSplit, readLocomo, splitLocomo } from "../evaluate/locomo.js";
import { generateDialogues } from "../synthetic/dialogue.js";
import { splits as worldSplits } from "../synthetic/lexicon.js";
import type { DataOptions } from "./options.js";

const locomoSplits = ["train", "validation", "test"] as const satisfies readonly LocomoSplit[];

/** The dialogues that the options name. Throws FileError or UsageError. */
export async function loadDialogues(
  options: Pick<DataOptions, "data" | "conversation" | "split" | "dialogues" | "facts" | "seed">,
  defaultSplit: "train" | "test",
): Promise<Dialogue[]> {
  const { data, conversation, split, dialogues: count, facts, seed } = options;
  if (data === undefined) {
    const world = generateDialogues({ seed, count, split: oneOf(worldSplits, split ?? defaultSplit) });
    return choose(world, conversation);
  }
  if (!isLocomo(await readDialogueJson(data))) {
    if (split !== undefined) {
      throw new UsageError({
        what: "a dialogue file has no splits",
        where: "--split",
        expected: "locomo10.json or a generated world with --split",
        found: `${data} with --split ${split}`,
        remedy: "leave --split out, or choose with --conversation",
      });
    }
    return choose(await readDialogues(data), conversation);
  }
  const all = await readLocomo(data, { facts });
  if (conversation !== undefined && split === undefined) return choose(all, conversation);
  return choose(splitLocomo(all, oneOf(locomoSplits, split ?? defaultSplit)), conversation);
}

function isLocomo(value: unknown): boolean {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return typeof first === "object" && first !== null && "sample_id" in first;
}

function choose(dialogues: readonly Dialogue[], conversation: string | undefined): Dialogue[] {
  const chosen = dialogues.filter(({ id }) => conversation === undefined || id === conversation);
  if (chosen.length > 0) return chosen;
  throw new UsageError({
    what: "there is no such conversation",
    where: "--conversation",
    expected: dialogues.map(({ id }) => id).join(", ") || "a file with dialogues",
    found: conversation ?? "none",
    remedy: "pass one of those ids",
  });
}

function oneOf<Value extends string>(values: readonly Value[], found: string): Value {
  const value = values.find((one) => one === found);
  if (value !== undefined) return value;
  throw new UsageError({
    what: "there is no such split",
    where: "--split",
    expected: values.join(", "),
    found,
    remedy: "pass one of those",
  });
}
