import { locomoSplit } from "./locomo.js";

/** The split that keeps a conversation from training, by its id: of LoCoMo, or of the generated world. Undefined where none does. */
export function heldOutSplit(id: string): string | undefined {
  const split = locomoSplit(id);
  if (split !== undefined) return split === "train" ? undefined : `${split} split of LoCoMo`;
  return /^test-\d+-\d+$/.test(id) ? "test split of the generated world" : undefined;
}
