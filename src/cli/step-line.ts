import type { Progress } from "../train/trainer.js";

/** Tells of training steps, a line each: what the rollouts earned and did, and the time left. */
export function stepPrinter(
  label: string,
  print: (line: string) => void,
  now: () => number = Date.now,
): (progress: Progress) => void {
  const started = now();
  let first: number | undefined;
  return (progress) => {
    first ??= progress.step - 1;
    const each = (now() - started) / 1000 / (progress.step - first);
    print(stepLine(label, progress, each * (progress.steps - progress.step)));
  };
}

/** "manager 12/40  reward 0.612 (answers 0.58)  KL 0.0121  entropy 0.21  unreadable 0.00  ADD 40 UPDATE 12  64 s left" */
export function stepLine(label: string, { step, steps, metrics }: Progress, secondsLeft: number): string {
  const { reward, outcome, kl, entropy, unparsable, operations, droppedGroups, groups } = metrics;
  const { extraBatches, filtered, explainedVariance } = metrics;
  const counts = Object.entries(operations).map(([event, count]) => `${event} ${count}`);
  return [
    `${label} ${String(step).padStart(String(steps).length)}/${steps}`,
    `reward ${reward.toFixed(3)} (answers ${outcome.toFixed(3)})`,
    `KL ${kl.toFixed(4)}`,
    `entropy ${entropy.toFixed(3)}`,
    `unparsable ${unparsable.toFixed(2)}`,
    `equal groups ${droppedGroups}/${groups}`,
    ...(extraBatches === undefined ? [] : [`extra batches ${extraBatches}`]),
    ...(filtered === undefined ? [] : [`cut and left out ${filtered}`]),
    ...(explainedVariance === undefined ? [] : [`explained ${explainedVariance.toFixed(2)}`]),
    ...(counts.length === 0 ? [] : [counts.sort().join(" ")]),
    `${Math.ceil(secondsLeft)} s left`,
  ].join("  ");
}
