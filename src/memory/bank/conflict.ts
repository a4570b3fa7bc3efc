import type { BaseStore } from "@langchain/langgraph";
import { ConflictError } from "../../errors.js";
import type { Change } from "../../trace/episode.js";
import { readKeys } from "./bank-reader.js";
import { deletions } from "./recent.js";
import { sameMemory } from "./scored-memory.js";

/**
 * @param step that makes the changes. Allows a memory that is already what a change of this step makes of it: a step that runs again after its write.
 * @throws ConflictError where a memory is no longer what a change was made from.
 */
export async function expectUnchanged(
  store: BaseStore,
  namespace: readonly string[],
  changes: readonly Change[],
  step: string,
): Promise<void> {
  const changing = changes.filter(({ event }) => event !== "ADD");
  if (changing.length === 0) return;
  const keys = changing.map(({ key }) => key);
  const current = await readKeys(store, namespace, keys);
  for (const [at, { event, key, before, after }] of changing.entries()) {
    const found = current[at]!;
    // A memory that is gone does not tell who deleted it.
    const isDone = found === null ? deletions.get(store, [...namespace, key]) === step : sameMemory(found, after);
    if (sameMemory(found, before) || isDone) continue;
    throw new ConflictError({
      what: `${event} of a memory that was changed since it was retrieved`,
      where: [...namespace, key].join("/"),
      expected: JSON.stringify(before),
      found: found === null ? "no memory" : JSON.stringify(found),
      remedy: "retrieve and decide again; where this comes often, let one process alone write to the bank",
    });
  }
}
