import { mean } from "../../mean.js";
import type { PolicyGroup, ValueGroup } from "../../model/engine/engine.js";
import { explainedVariance } from "../algorithm/gae.js";
import { klEstimate } from "../algorithm/kl.js";
import type { PolicyOptions } from "../algorithm/policy-options.js";
import type { PolicyMetrics, ValueMetrics } from "./metrics.js";

type PerToken = readonly (readonly (readonly number[])[])[];

/** KL to the reference by k3, share of clipped tokens, and the change since the rollout; `logprobs` are of the policy before its last pass. */
export function policyMetrics(
  groups: readonly PolicyGroup[],
  logprobs: PerToken,
  { clipLow, clipHigh, ratio }: Pick<PolicyOptions, "clipLow" | "clipHigh" | "ratio">,
): PolicyMetrics {
  const tokens = groups.flatMap((group, g) =>
    group.responses.flatMap((ids, r) => {
      const changes = ids.map((_, t) => logprobs[g]![r]![t]! - group.oldLogprobs[r]![t]!);
      const whole = mean(changes);
      return ids.map((_, t) => ({
        now: logprobs[g]![r]![t]!,
        old: group.oldLogprobs[r]![t]!,
        reference: group.referenceLogprobs[r]![t]!,
        advantage: group.advantages[r]![t]!,
        change: ratio === "token" ? changes[t]! : whole,
      }));
    }),
  );
  return {
    kl: mean(tokens.map(({ now, reference }) => klEstimate.k3(now, reference))),
    approxKl: mean(tokens.map(({ now, old }) => klEstimate.k3(old, now))),
    maxRatio: tokens.reduce(
      (largest, { change }) => Math.max(largest, Math.min(Math.exp(Math.abs(change)), Number.MAX_VALUE)),
      1,
    ),
    clipFraction: mean(
      tokens.map(({ change, advantage }) => {
        const value = Math.exp(change);
        return Number(advantage > 0 ? value > 1 + clipHigh : value < 1 - clipLow);
      }),
    ),
  };
}

/** How well the critic foresaw this step's returns before it learned from them, and the share of values that the clip holds. */
export function valueMetrics(groups: readonly ValueGroup[], values: PerToken, valueClip: number): ValueMetrics {
  const old = groups.flatMap(({ oldValues }) => oldValues.flat());
  const returns = groups.flatMap((group) => group.returns.flat());
  const now = values.flat(2);
  return {
    explainedVariance: explainedVariance(old, returns),
    valueClipFraction: mean(now.map((value, i) => Number(Math.abs(value - old[i]!) > valueClip))),
  };
}
