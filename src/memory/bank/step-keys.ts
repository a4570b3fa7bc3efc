/** Keys that a step gives to its new memories: the same ones if the step has to run again. */
export function stepKeys(stepId: string): (added: number) => string {
  return (added) => `${stepId}-${String(added).padStart(3, "0")}`;
}

/** At which place of its step a memory was added, by its key; 0 where another key says nothing of that. */
export function placeInStep(key: string): number {
  return Number(/-(\d{3,4})$/.exec(key)?.[1] ?? 0);
}
