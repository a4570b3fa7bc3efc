import type { Change, MemoryValue } from "../../trace/episode.js";
import type { RecordedDialogue } from "./links.js";

/** What the first steps and undoes did to one memory. */
export function lifeOf({ changing }: RecordedDialogue, key: string, count: number): Change[] {
  return changing.slice(0, count).flatMap(({ changes }) => changes.filter((change) => change.key === key));
}

/** Ids of the turns that ever made or changed the memory. */
export function lifeTurns({ steps }: RecordedDialogue, key: string): string[] {
  return steps.flatMap(({ turn, changes }) => (changes.some((change) => change.key === key) ? [turn.id] : []));
}

/** What becomes of a memory, with or without one of its changes. */
export function replayLife(
  life: readonly Change[],
  leftOut?: Change,
): { readonly value: MemoryValue | null; readonly lost: number } {
  let value: MemoryValue | null = null;
  let lost = 0;
  for (const change of life) {
    if (change === leftOut) continue;
    if (change.event === "ADD" || value !== null) value = change.after;
    else lost++;
  }
  return { value, lost };
}
