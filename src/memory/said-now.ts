import type { TurnInput } from "./state.js";

/** Speaker name when the caller gives none. */
export const DEFAULT_SPEAKER = "user";

/** A date in the words that memories show, in UTC: "7 May 2023". */
export function formatDate(date: Date): string {
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
}

/** A turn that is said now. */
export function turnSaidNow(turn: Omit<TurnInput, "time">, now: Date): TurnInput {
  return { ...turn, time: formatDate(now) };
}
