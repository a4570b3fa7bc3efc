import type { RolloutGroup } from "../rollout.js";
import { type RewardOptions, varies } from "./reward.js";

export interface SampledGroups {
  readonly groups: readonly RolloutGroup[];
  /** How often more was sampled. */
  readonly extraBatches: number;
}

/**
 * Dynamic sampling (DAPO, Yu et al. 2025, section 3.2): for every group without variance another item is attempted, until as many groups vary
 * as the first batch has, `limit` further batches were sampled, or the items are used up. `sample(0, …)` samples the first batch; it may give
 * fewer groups than wanted.
 */
export async function sampleVarying(
  sample: (batch: number, wanted: number) => Promise<readonly RolloutGroup[]>,
  size: number,
  limit: number,
  options: RewardOptions,
): Promise<SampledGroups> {
  const groups = [...(await sample(0, size))];
  const target = groups.length;
  let extraBatches = 0;
  while (extraBatches < limit) {
    const missing = target - groups.filter((group) => varies(group, options)).length;
    if (missing === 0) break;
    const more = await sample(extraBatches + 1, missing);
    if (more.length === 0) break;
    extraBatches += 1;
    groups.push(...more);
  }
  return { groups, extraBatches };
}
