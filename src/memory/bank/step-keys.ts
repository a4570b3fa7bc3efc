/** Keys that a step gives to its new memories: the same ones if the step has to run again. */
export function stepKeys(stepId: string): (added: number) => string {
  return (added) => `${stepId}-${String(added).padStart(3, "0")}`;
}

/** The step that gave a memory its key, and at which place of it; undefined of other keys. */
export function originOf(key: string): { readonly step: string; readonly place: number } | undefined {
  const [, step, place] = /^(.*)-(\d{3,4})$/.exec(key) ?? [];
  return step === undefined ? undefined : { step, place: Number(place) };
}
