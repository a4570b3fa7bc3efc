import { alarmLine } from "../train/run/alarms.js";
import type { TrainSummary } from "../train/run/step-history.js";
import type { Progress } from "../train/train-options.js";

/** Tells of training steps, a line each: what the rollouts earned and did, and the time left; and a line for each alarm. */
export function stepPrinter(label: string, print: (line: string) => void): (progress: Progress) => void {
  let told = 0;
  let spent = 0;
  return (progress) => {
    told += 1;
    spent += progress.seconds.rollout + progress.seconds.update;
    print(stepLine(label, progress, (spent / told) * (progress.steps - progress.step)));
    for (const alarm of progress.metrics.alarms ?? []) print(alarmLine(alarm));
  };
}

/** "manager 12/40  reward 0.612 (answers 0.580)  KL 0.0121  entropy 0.210  equal groups 3/16  unparsable 2 cut 1 of 128  ADD 40 UPDATE 12  64 s left" */
export function stepLine(label: string, { step, steps, metrics }: Progress, secondsLeft: number): string {
  const { reward, outcome, kl, entropy, operations, droppedGroups, groups } = metrics;
  const {
    responses,
    truncatedResponses,
    unparsableResponses,
    skippedCalls,
    extraBatches,
    filtered,
    explainedVariance,
  } = metrics;
  const counts = Object.entries(operations).map(([event, count]) => `${event} ${count}`);
  return [
    `${label} ${String(step).padStart(String(steps).length)}/${steps}`,
    `reward ${reward.toFixed(3)} (answers ${outcome.toFixed(3)})`,
    `KL ${kl.toFixed(4)}`,
    `entropy ${entropy.toFixed(3)}`,
    `equal groups ${droppedGroups}/${groups}`,
    `unparsable ${unparsableResponses} cut ${truncatedResponses} of ${responses}`,
    ...(skippedCalls === 0 ? [] : [`prompts too long ${skippedCalls}`]),
    ...(extraBatches === undefined ? [] : [`extra batches ${extraBatches}`]),
    ...(filtered === undefined ? [] : [`cut and left out ${filtered}`]),
    ...(explainedVariance === undefined ? [] : [`explained ${explainedVariance.toFixed(2)}`]),
    ...(counts.length === 0 ? [] : [counts.sort().join(" ")]),
    `${Math.ceil(secondsLeft)} s left`,
  ].join("  ");
}

/** What a run sampled, and what of it taught nothing, by reason; a line each. */
export function summaryLines(label: string, summary: TrainSummary): string[] {
  const { steps, groups, droppedGroups, responses, truncatedResponses, unparsableResponses, skippedCalls } = summary;
  const skipped = Object.entries(summary.skipped).map(([reason, count]) => `${reason} ${count}`);
  return [
    `${label}: ${steps} steps, ${groups} groups (${droppedGroups} dropped: equal rewards), ${responses} responses ` +
      `(${truncatedResponses} cut at the length limit, ${unparsableResponses} unparsable; ${skippedCalls} not sampled: prompt too long)`,
    ...(skipped.length === 0 ? [] : [`${label}: recorded but not learned from: ${skipped.join(", ")}`]),
  ];
}
