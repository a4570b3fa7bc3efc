import type { EpisodeEvent } from "./episode.js";

/** What agents did in a graph run. */
export type RunEvent = Exclude<EpisodeEvent, { type: "reward" | "undo" }>;

/** The events of each graph run, in their order. */
export function eventsByRun(events: readonly EpisodeEvent[]): ReadonlyMap<string, readonly RunEvent[]> {
  const runs = new Map<string, RunEvent[]>();
  for (const event of events) {
    if (event.type === "reward" || event.type === "undo") continue;
    const members = runs.get(event.run.runId) ?? [];
    members.push(event);
    runs.set(event.run.runId, members);
  }
  return runs;
}

/** When an event began: what has no duration began when it was written. */
export function startedAt(event: RunEvent): string {
  return event.type === "model_call" ? (event.startedAt ?? event.at) : event.at;
}
