import { stepKeys } from "../../memory/bank/step-keys.js";
import type { MemoryStep } from "../../trace/episode.js";
import type { RolloutContext } from "../rollout-context.js";

/** What `applyDecision` writes another decision of a recorded step with. In older files only the changes tell the step's order. */
export function replayOptions({ id, order, changes, facts }: MemoryStep, { words }: RolloutContext) {
  const known = order ?? changes.find(({ after }) => after !== null)?.after?.order;
  return { ...(known === undefined ? {} : { order: known }), key: stepKeys(id), facts, words };
}
