import { UsageError } from "../../errors.js";
import type { Task } from "../rollout.js";
import { fits, type RolloutContext } from "../rollout-context.js";
import { recordedMark } from "./conversations.js";
import type { RecordedDialogue } from "./links.js";

/** Why something that was recorded is no item to learn from. */
export type SkipReason =
  | "no model decided"
  | "called a tool"
  | "no gold answer"
  | "no linked question"
  | "no facts"
  | "prompt too long";

/** A recorded decision, question or conversation: an item, or the reason why it is none. */
export type Candidate<Item> = { readonly id: string; readonly item: Item } | { readonly skipped: SkipReason };

export interface Items<Item> {
  readonly items: ReadonlyMap<string, Item>;
  /** How many candidates were none, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** Separates trainable items from skipped ones. @throws UsageError for a duplicate id, or if no item is left (`expected` describes one). */
export function itemsOf<Item>(candidates: readonly Candidate<Item>[], expected: string): Items<Item> {
  const items = new Map<string, Item>();
  const skipped: Record<string, number> = {};
  for (const candidate of candidates) {
    if ("skipped" in candidate) skipped[candidate.skipped] = (skipped[candidate.skipped] ?? 0) + 1;
    else if (items.has(candidate.id)) throw twice(candidate.id);
    else items.set(candidate.id, candidate.item);
  }
  if (items.size > 0) return { items, skipped };
  const reasons = Object.entries(skipped).map(([reason, count]) => `${reason}: ${count}`);
  throw new UsageError({
    what: "nothing to train on",
    expected,
    found: `none in these episodes${reasons.length === 0 ? "" : ` (${reasons.join(", ")})`}`,
    remedy:
      "record dialogues with questions that have gold answers and evidence, with a model as manager that replies in text",
  });
}

/** What a task says of itself by what it was recorded from. */
export function recordedFields(
  dialogues: readonly RecordedDialogue[],
  { items, skipped }: Items<unknown>,
): Pick<Task, "items" | "skipped" | "conversations"> {
  return { items: [...items.keys()], skipped, conversations: dialogues.map(recordedMark) };
}

function twice(id: string): UsageError {
  return new UsageError({
    what: "two recordings have the same item",
    where: "the episodes",
    expected: "each decision, question or conversation once",
    found: `${id} twice`,
    remedy: "learn from one of these recordings: those of a recipe's stages and seeds name alike what they recorded",
  });
}

/** An item, unless the longest response to its prompt would not fit the model's context. */
export function promptCandidate<Item extends { readonly promptIds: readonly number[] }>(
  policy: RolloutContext,
  id: string,
  item: Item,
): Candidate<Item> {
  return fits(policy, item.promptIds) ? { id, item } : { skipped: "prompt too long" };
}
