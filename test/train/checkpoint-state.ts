import type { CheckpointState } from "../../src/train/run/manifest.js";

/** The state of a run that never was. */
export function checkpointState(step: number): CheckpointState {
  const cursor = { epoch: 0, position: step, deferred: [] };
  return { step, settings: { seed: 1 }, cursor, random: { seed: 1, step }, origin: null };
}
