import { UsageError } from "../../errors.js";
import type { Change, MemoryValue } from "../../trace/episode.js";
import type { HistoryEntry } from "./history-entry.js";

/** A change that takes the effect of earlier ones back. */
export interface UndoChange {
  readonly change: Change;
  /** Ids of the entries that it takes back. */
  readonly undoes: string[];
}

/** Ids of the entries whose effect was taken back, and not brought back since. */
function undoneIds(entries: readonly HistoryEntry[]): Set<string> {
  const undone = new Set<string>();
  for (const entry of entries.toReversed()) if (!undone.has(entry.id)) for (const id of entry.undoes) undone.add(id);
  return undone;
}

/**
 * The changes that bring each memory back to before the first of the entries that are to be undone; entries that are
 * undone already count for nothing.
 * @param entries the whole history, oldest first.
 * @param current the memories as they are.
 * @throws UsageError where something else changed such a memory later: it would be lost, and nothing is undone.
 */
export function planUndo(
  entries: readonly HistoryEntry[],
  ids: ReadonlySet<string>,
  current: ReadonlyMap<string, MemoryValue>,
): UndoChange[] {
  const undone = undoneIds(entries);
  const live = entries.filter(({ id, undoes }) => !undone.has(id) && (undoes.length === 0 || ids.has(id)));
  const plans: UndoChange[] = [];
  const conflicts: string[] = [];
  for (const key of new Set(live.map((entry) => entry.key))) {
    const own = live.filter((entry) => entry.key === key);
    const first = own.findIndex(({ id }) => ids.has(id));
    if (first === -1) continue;
    const later = own.slice(first).filter(({ id }) => !ids.has(id));
    conflicts.push(...later.map(({ id, event, turn }) => `${event} of ${key} by ${turn ?? id}`));
    const change = changeTo(key, current.get(key) ?? null, own[first]!.before);
    if (change === undefined) continue;
    // What was undone before counts for nothing either: it must not come back when the undo of it is undone here.
    const since = entries.filter((entry) => entry.key === key && entry.sequence >= own[first]!.sequence);
    plans.push({ change, undoes: since.map(({ id }) => id) });
  }
  if (conflicts.length === 0) return plans;
  throw new UsageError({
    what: "what is to be undone was changed again since",
    where: [...ids].join(", "),
    expected: "no later change to the same memories",
    found: conflicts.join("; "),
    remedy: "undo the later changes too, the latest first",
  });
}

/** The memories as they stood at a time, by key: from how they are, back through the history. */
export function memoriesAt(
  entries: readonly HistoryEntry[],
  current: ReadonlyMap<string, MemoryValue>,
  time: Date,
): Map<string, MemoryValue> {
  const memories = new Map(current);
  for (const { key, before, at } of entries.toReversed()) {
    if (new Date(at) <= time) continue;
    if (before === null) memories.delete(key);
    else memories.set(key, before);
  }
  return memories;
}

function changeTo(key: string, before: MemoryValue | null, after: MemoryValue | null): Change | undefined {
  if (before === null && after === null) return undefined;
  if (before === null) return { event: "ADD", key, before, after };
  return { event: after === null ? "DELETE" : "UPDATE", key, before, after };
}
