/** How rewards within a group become advantages. */
export const advantageKinds = ["mean-std", "mean", "leave-one-out"] as const;
export type AdvantageKind = (typeof advantageKinds)[number];

/** Keeps the quotient finite where all rewards of a group are equal. */
const EPSILON = 1e-6;

/** What a difference between such rewards is divided by to be one of advantages. */
export function advantageUnit(rewards: readonly number[], kind: AdvantageKind): number {
  if (kind !== "mean-std" || rewards.length < 2) return 1;
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const variance = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / (rewards.length - 1);
  return Math.sqrt(variance) + EPSILON;
}

/**
 * Advantages of one group's responses; a group of one gets 0, because there is nothing to compare it with. "mean-std": (r
 * − mean) / (std + 1e-6) with the unbiased std (GRPO, Shao et al. 2024). "mean": r − mean (Dr. GRPO, Liu et al. 2025).
 * "leave-one-out": r minus the mean of the others (RLOO, Ahmadian et al. 2024).
 */
export function groupAdvantages(rewards: readonly number[], kind: AdvantageKind): number[] {
  const count = rewards.length;
  if (count < 2) return rewards.map(() => 0);
  const first = rewards[0]!;
  // Taken about the first reward, so that equal rewards give exactly 0.
  const mean = first + rewards.reduce((sum, reward) => sum + (reward - first), 0) / count;
  const deviations = rewards.map((reward) => reward - mean);
  switch (kind) {
    case "mean":
      return deviations;
    case "leave-one-out":
      return deviations.map((deviation) => (deviation * count) / (count - 1));
    case "mean-std": {
      const variance = deviations.reduce((sum, deviation) => sum + deviation * deviation, 0) / (count - 1);
      return deviations.map((deviation) => deviation / (Math.sqrt(variance) + EPSILON));
    }
  }
}
