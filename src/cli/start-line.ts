import type { StartingPoint } from "../train/run/starting-point.js";

/** From what a run starts: "forked from runs/a/checkpoint-20 after step 20; changed: seed 0 → 1". None for a new run. */
export function startLine({ step, checkpoint, origin }: StartingPoint): string | undefined {
  if (checkpoint === undefined) return undefined;
  if (origin?.folder !== checkpoint.folder) return `going on from ${checkpoint.folder} after step ${step}`;
  const value = (side: unknown) => JSON.stringify(side) ?? "absent";
  const changed = origin.changed.map(({ setting, from, to }) => `${setting} ${value(from)} → ${value(to)}`);
  const changes = changed.length === 0 ? "nothing changed" : `changed: ${changed.join(", ")}`;
  return `forked from ${checkpoint.folder} after step ${step}; ${changes}`;
}
