import type { Rollout, Sample } from "../rollout.js";
import type { Overlong } from "./policy-options.js";

/**
 * DAPO's soft overlong punishment (Yu et al. 2025, eq. 13): 0 up to the limit less the buffer, from there linearly to −1 at the limit.
 * The sampler stops at the limit, so that a response cut there, however long it would have been, gets −1.
 */
export function overlongPunishment({ responseIds, truncated }: Sample, buffer: number, limit: number): number {
  if (truncated) return -1;
  return Math.max(-1, Math.min(0, (limit - buffer - responseIds.length) / buffer));
}

/** What a rollout's lengths add to its reward; the mean over its calls, so that many calls are not punished more than one. */
export function lengthReward({ samples }: Rollout, overlong: Overlong, limit: number): number {
  if (overlong.kind !== "punish" || samples.length === 0) return 0;
  const sum = samples.reduce((total, sample) => total + overlongPunishment(sample, overlong.share * limit, limit), 0);
  return sum / samples.length;
}

/** Whether a response has weight in the loss. */
export const counts = ({ truncated }: Sample, overlong: Overlong): boolean =>
  !(truncated && overlong.kind === "filter");
