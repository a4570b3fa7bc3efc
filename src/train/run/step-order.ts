import type { MemoryStep } from "../../trace/episode.js";

/** The position at which a replayed step writes, as an option of `applyDecision`. In older files only the changes tell it. */
export function stepOrder({ order, changes }: MemoryStep): { readonly order?: number } {
  const known = order ?? changes.find(({ after }) => after !== null)?.after?.order;
  return known === undefined ? {} : { order: known };
}
