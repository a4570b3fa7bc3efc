import { MemoryR1Error } from "../../errors.js";
import { type Alarm, type AlarmKind, alarmKinds } from "./alarm.js";
import type { StepRecord } from "./step-record.js";

/** Alarm thresholds. Where the literature gives no number, the default is this project's own and marked as ours. */
export interface AlarmThresholds {
  /** Number of steps in a mean, and minimum number of steps before an alarm. Ours: short enough to save most of a run. */
  readonly window: number;
  /**
   * Share of the first window's entropy that is left. A tenth: by the time 94 % of the entropy was used up, 93 % of what could be gained had been
   * (Cui et al. 2025, "The entropy mechanism of reinforcement learning for reasoning language models").
   */
  readonly entropyShare: number;
  /** Share of groups whose rewards are all equal and which teach nothing: what DAPO replaces (Yu et al. 2025, section 3.2). The number is ours. */
  readonly equalGroups: number;
  /** Share of the reward that is paid for form. Ours: above one half, the form is what is learned. */
  readonly formatShare: number;
  /** Largest ratio ρ or 1/ρ of a token's (GSPO: response's) probabilities. TRL's PPO skips a minibatch at a mean ratio of 10 (`ratio_threshold`). */
  readonly ratio: number;
  /** Gradient norm before clipping, as a multiple of the median of the steps before it. Ours. */
  readonly gradientFactor: number;
  /** Norms up to this one never raise an alarm: the default clipping lets them pass. */
  readonly gradientFloor: number;
  /** Maximum number of steps in this median. */
  readonly gradientWindow: number;
  /** Rise of the share of unparsable responses above its lowest window. Ours. */
  readonly unparsableRise: number;
}

export const alarmDefaults: AlarmThresholds = {
  window: 5,
  entropyShare: 0.1,
  equalGroups: 0.9,
  formatShare: 0.5,
  ratio: 10,
  gradientFactor: 10,
  gradientFloor: 1,
  gradientWindow: 20,
  unparsableRise: 0.15,
};

/** A run with `stopOnAlarm` stopped at an alarm. */
export class AlarmError extends MemoryR1Error {
  constructor(
    readonly step: number,
    readonly alarms: readonly Alarm[],
    kept: string,
  ) {
    super({
      what: `training stopped at an alarm: ${alarms.map(({ kind, seen }) => `${kind}: ${seen}`).join("; ")}`,
      where: `step ${step}`,
      found: kept,
      remedy: alarms.map(({ remedy }) => remedy).join("; "),
    });
  }
}

/** "alarm: entropy-collapse: entropy …; look at …" */
export const alarmLine = ({ kind, seen, remedy }: Alarm): string => `alarm: ${kind}: ${seen}; ${remedy}`;

/**
 * The alarms that start at the last of these steps; an alarm that persists is reported once. Depends on the steps alone,
 * so that a resumed run has the same alarms as an uninterrupted one.
 */
export function alarmsOf(steps: readonly StepRecord[], thresholds: Partial<AlarmThresholds> = {}): Alarm[] {
  const settings = { ...alarmDefaults, ...thresholds };
  const before = new Set(sounding(steps.slice(0, -1), settings).map(({ kind }) => kind));
  return sounding(steps, settings).filter(({ kind }) => !before.has(kind));
}

type Rule = (steps: readonly StepRecord[], last: StepRecord, settings: AlarmThresholds) => string | undefined;

function sounding(steps: readonly StepRecord[], settings: AlarmThresholds): Alarm[] {
  const last = steps.at(-1);
  if (last === undefined) return [];
  return alarmKinds.flatMap((kind) => {
    const seen = rules[kind](steps, last, settings);
    return seen === undefined ? [] : [{ kind, seen, remedy: `look at ${remedies[kind]}` }];
  });
}

const remedies: { readonly [K in AlarmKind]: string } = {
  "not-a-number": "optimizer.learningRate (--learning-rate), and at the rewards",
  "entropy-collapse": "optimizer.learningRate (--learning-rate), clipHigh (--clip-high), klCoefficient (--kl)",
  "equal-groups": "extraBatches (--extra-batches), groupSize (--group), temperature (--temperature), reward (--reward)",
  "format-reward": "formatWeight (--format-weight), reward (--reward)",
  "exploding-ratio": "optimizer.learningRate (--learning-rate), epochs (--epochs), importanceCap (--importance-cap)",
  "exploding-gradient": "optimizer.learningRate (--learning-rate), optimizer.maxGradientNorm",
  "growing-unparsable": "formatWeight (--format-weight), klCoefficient (--kl), maxNewTokens (--max-new-tokens)",
};

const rules: { readonly [K in AlarmKind]: Rule } = {
  "not-a-number": (_, last) => {
    const wrong = Object.entries(last).filter(([, value]) => !Number.isFinite(value));
    if (wrong.length === 0) return undefined;
    return `${wrong.map(([name, value]) => `${name} ${value}`).join(", ")} at step ${last.step}`;
  },

  "entropy-collapse": (steps, _, { window, entropyShare }) => {
    const [first, now] = [steps.slice(0, window), steps.slice(-window)];
    if (steps.length < 2 * window) return undefined;
    const [start, left] = [mean(first, "entropy"), mean(now, "entropy")];
    if (!(left < entropyShare * start)) return undefined;
    return `entropy ${short(left)} nats per token over ${span(now)}, less than ${percent(entropyShare)} of the ${short(start)} over ${span(first)}`;
  },

  "equal-groups": (steps, _, { window, equalGroups }) => {
    const now = steps.slice(-window);
    const groups = sum(now, "groups");
    const equal = sum(now, "droppedGroups");
    if (now.length < window || groups === 0 || equal < equalGroups * groups) return undefined;
    return `${equal} of ${groups} groups had equal rewards over ${span(now)}`;
  },

  "format-reward": (steps, _, { window, formatShare }) => {
    const now = steps.slice(-window);
    const [format, answers] = [mean(now, "formatReward"), mean(now, "reward") - mean(now, "formatReward")];
    // What a length punishment takes is no part of what is earned.
    const share = format / (format + Math.max(answers, 0));
    if (now.length < window || !(share > formatShare)) return undefined;
    return `${percent(share)} of the reward was for form over ${span(now)} (${short(format)} beside ${short(answers)} for answers)`;
  },

  "exploding-ratio": (_, { step, maxRatio }, { ratio }) =>
    maxRatio > ratio ? `a ratio of ${short(maxRatio)} to the sampler's probability at step ${step}` : undefined,

  "exploding-gradient": (steps, { step, gradientNorm }, { window, gradientFactor, gradientFloor, gradientWindow }) => {
    // Steps without an update have no gradient to compare with.
    const earlier = steps
      .slice(0, -1)
      .filter((record) => record.gradientNorm > 0)
      .slice(-gradientWindow);
    const usual = median(earlier.map((record) => record.gradientNorm));
    if (earlier.length < window || !(gradientNorm > Math.max(gradientFloor, gradientFactor * usual))) return undefined;
    return `gradient norm ${short(gradientNorm)} at step ${step}, ${short(gradientNorm / usual)} times the median ${short(usual)} over ${span(earlier)}`;
  },

  "growing-unparsable": (steps, _, { window, unparsableRise }) => {
    if (steps.length < 2 * window) return undefined;
    const now = steps.slice(-window);
    const share = mean(now, "unparsable");
    let [lowest, at] = [Number.POSITIVE_INFINITY, now];
    for (let from = 0; from + 2 * window <= steps.length; from++) {
      const part = steps.slice(from, from + window);
      const earlier = mean(part, "unparsable");
      if (earlier < lowest) [lowest, at] = [earlier, part];
    }
    if (!(share > lowest + unparsableRise)) return undefined;
    return `${percent(share)} of the responses could not be read over ${span(now)}, up from ${percent(lowest)} over ${span(at)}`;
  },
};

const sum = (steps: readonly StepRecord[], name: keyof StepRecord): number =>
  steps.reduce((total, record) => total + record[name], 0);

const mean = (steps: readonly StepRecord[], name: keyof StepRecord): number => sum(steps, name) / steps.length;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const span = (steps: readonly StepRecord[]): string => `steps ${steps[0]!.step} to ${steps.at(-1)!.step}`;
const short = (value: number): string => String(Number(value.toPrecision(3)));
const percent = (share: number): string => `${short(100 * share)} %`;
