import type { EpisodeEvent } from "./episode.js";

/** What was done in a run: by agents in a graph's, or by an undo, which is a run of its own. */
export type RunEvent = Exclude<EpisodeEvent, { type: "reward" }>;

/** The events of each run, in their order. */
export function eventsByRun(events: readonly EpisodeEvent[]): ReadonlyMap<string, readonly RunEvent[]> {
  const runs = new Map<string, RunEvent[]>();
  for (const event of events) {
    if (event.type === "reward") continue;
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
