import type { TurnInput } from "./state.js";

/** Who says what agents hear, where they are not told. */
export const DEFAULT_SPEAKER = "user";

/** A turn that is said now; its time in the words that memories show, in UTC: "7 May 2023". */
export function turnSaidNow(turn: Omit<TurnInput, "time">, now: Date): TurnInput {
  const time = now.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  return { ...turn, time };
}
