import { UsageError } from "../errors.js";
import { heldOutSplit } from "../evaluate/held-out.js";
import type { Agent } from "../recipe/context.js";
import {
  type ConversationMark,
  conversationMark,
  readTrainedOn,
  sharedConversations,
} from "../train/tasks/conversations.js";

/** @throws UsageError where a conversation that is kept for validation or test would be learned from. */
export function checkTrainable(conversations: readonly ConversationMark[]): void {
  const held = conversations.flatMap(({ id }) => {
    const split = heldOutSplit(id);
    return split === undefined ? [] : [`${id} (${split})`];
  });
  if (held.length === 0) return;
  throw new UsageError({
    what: "these episodes are of conversations that are held out",
    where: "--episodes",
    expected: "conversations of the train split",
    found: listed(held),
    remedy: "record --split train; or pass --allow-held-out, and compare on none of these",
  });
}

/** @throws UsageError where an adapter would be evaluated on a conversation that it learned from. */
export async function checkUnseen(
  dialogues: readonly Parameters<typeof conversationMark>[0][],
  adapters: readonly string[],
): Promise<void> {
  const marks = dialogues.map(conversationMark);
  for (const adapter of adapters) {
    const seen = sharedConversations(marks, (await readTrainedOn(adapter)).conversations);
    if (seen.length === 0) continue;
    throw new UsageError({
      what: "the adapter learned from conversations that it would be evaluated on",
      where: adapter,
      expected: "conversations that it has not seen",
      found: listed(seen.map(({ id }) => id)),
      remedy: "evaluate on another split; or pass --allow-trained, to see how well it fits what it knows",
    });
  }
}

/** @throws UsageError where an adapter says that it is of the other agent. */
export async function checkAgent(agent: Agent, adapter: string): Promise<void> {
  const { task } = await readTrainedOn(adapter);
  const other = agent === "manager" ? "answerer" : "manager";
  if (task !== other) return;
  throw new UsageError({
    what: `the adapter is not of the ${agent}`,
    where: `--adapter-${agent} ${adapter}`,
    expected: `one that was trained as ${agent}`,
    found: `one that was trained as ${other}`,
    remedy: `pass it as --adapter-${other}`,
  });
}

const SHOWN = 5;
const listed = (names: readonly string[]): string =>
  `${names.slice(0, SHOWN).join(", ")}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ""}`;
