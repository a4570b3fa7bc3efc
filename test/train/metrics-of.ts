import type { StepMetrics } from "../../src/train/run/metrics.js";

/** Metrics of a step at which nothing is wrong, with these changes. */
export const metricsOf = (change: Partial<StepMetrics> = {}): StepMetrics => ({
  reward: 0.6,
  outcome: 0.6,
  formatReward: 0.1,
  unparsable: 0,
  truncated: 0,
  entropy: 1,
  responseLength: 20,
  operations: {},
  droppedGroups: 1,
  groups: 8,
  responses: 64,
  truncatedResponses: 0,
  unparsableResponses: 0,
  skippedCalls: 0,
  kl: 0.01,
  approxKl: 0,
  clipFraction: 0,
  maxRatio: 1,
  loss: 0.1,
  gradientNorm: 1,
  ...change,
});
