import { UsageError } from "../../errors.js";
import { type Dialogue, readDialogueJson, readDialogues } from "../../evaluate/dialogue.js";
import type { FactSource } from "../../evaluate/fact-source.js";
import { withGivenFacts } from "../../evaluate/given-facts.js";
import { type LocomoSplit, readLocomo, splitLocomo } from "../../evaluate/locomo.js";
import { generateDialogues } from "../../synthetic/dialogue.js";
import { splits as worldSplits } from "../../synthetic/lexicon.js";
import type { DataOptions } from "./options.js";

const locomoSplits = ["train", "validation", "test"] as const satisfies readonly LocomoSplit[];

export interface LoadedDialogues {
  readonly dialogues: Dialogue[];
  /** Where their facts come from: what the user chose, or what suits the data. */
  readonly facts: FactSource;
}

/** The dialogues that the options name. @throws FileError or UsageError. */
export async function loadDialogues(
  options: Pick<DataOptions, "data" | "conversation" | "split" | "dialogues" | "facts" | "seed">,
  defaultSplit: "train" | "test",
): Promise<LoadedDialogues> {
  const { data, conversation, split, dialogues: count, facts = "model", seed } = options;
  if (data === undefined) {
    const world = generateDialogues({ seed, count, split: oneOf(worldSplits, split ?? defaultSplit) });
    return { dialogues: choose(world, conversation), facts };
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
    const { dialogues, ...loaded } = withFactsOfFile(await readDialogues(data), options.facts);
    return { ...loaded, dialogues: choose(dialogues, conversation) };
  }
  const all = await readLocomo(data, { facts });
  const part =
    conversation !== undefined && split === undefined
      ? all
      : splitLocomo(all, oneOf(locomoSplits, split ?? defaultSplit));
  return { dialogues: choose(part, conversation), facts };
}

/** Whoever wrote facts into a file means them to be used: they are the default where there are any. */
function withFactsOfFile(dialogues: Dialogue[], wanted: FactSource | undefined): LoadedDialogues {
  const facts = wanted ?? defaultFacts(dialogues);
  if (facts === "model") return { dialogues, facts };
  return { dialogues: dialogues.map((one) => ({ ...one, turns: withGivenFacts(one.turns, facts) })), facts };
}

function defaultFacts(dialogues: readonly Dialogue[]): FactSource {
  const turns = dialogues.flatMap((dialogue) => dialogue.turns);
  const carrying = turns.filter(({ facts }) => facts !== undefined);
  if (carrying.length === 0) return "model";
  process.stderr.write(`facts: those of the file, which ${carrying.length} of ${turns.length} turns have\n`);
  return "observation";
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
