import { dot, lineY, type Markish, type PlotOptions, rectY, ruleX, ruleY, stackY, windowY } from "@observablehq/plot";
import type { Markup } from "../markup.js";
import { colours, drawSvg, wholeTicks } from "../plot-svg.js";
import type { TrainingStep } from "../read/training-steps.js";

/** Above this many steps the single ones are drawn faint, and their moving mean in front. */
const MANY_STEPS = 60;

/** Operations of more steps than this are put together in as many bars. */
const BARS = 60;

type Line = {
  readonly of: "reward" | "outcome" | "kl" | "entropy" | "unparsable" | "truncated";
  readonly colour: string;
  readonly dashed?: boolean;
};

/** Mean reward of each step: as it was learned from, and of the answers alone. Undefined where none is known. */
export function rewardChart(steps: readonly TrainingStep[]): Markup | undefined {
  const lines: Line[] = [
    { of: "reward", colour: colours.first },
    { of: "outcome", colour: colours.second, dashed: true },
  ];
  return lineChart(steps, lines, {}, "Reward by training step");
}

export function klChart(steps: readonly TrainingStep[]): Markup | undefined {
  return lineChart(steps, [{ of: "kl", colour: colours.first }], { zero: true }, "KL divergence by training step");
}

export function entropyChart(steps: readonly TrainingStep[]): Markup | undefined {
  return lineChart(steps, [{ of: "entropy", colour: colours.first }], { zero: true }, "Entropy by training step");
}

/** Shares of what could not be read, and of what the length limit cut. */
export function unreadableChart(steps: readonly TrainingStep[]): Markup | undefined {
  const lines: Line[] = [
    { of: "unparsable", colour: colours.first },
    { of: "truncated", colour: colours.second, dashed: true },
  ];
  return lineChart(steps, lines, { zero: true, ...shareTicks }, "Unreadable and cut replies by training step");
}

const shareTicks = { percent: false, tickFormat: (y: number) => `${Number((100 * y).toPrecision(3))} %` } as const;

const frame = { width: 352, height: 200, marginLeft: 46, marginRight: 14, marginTop: 10, marginBottom: 40 } as const;

const stepAxis = { label: "step", labelArrow: "none", labelAnchor: "right", labelOffset: 36, ...wholeTicks } as const;

function lineChart(
  steps: readonly TrainingStep[],
  lines: readonly Line[],
  y: NonNullable<PlotOptions["y"]>,
  label: string,
): Markup | undefined {
  const drawn = lines.filter(({ of }) => steps.some((step) => Number.isFinite(step[of])));
  if (drawn.length === 0) return undefined;
  return drawSvg(
    {
      ...frame,
      x: stepAxis,
      y: { label: null, grid: true, nice: true, ticks: 4, tickSize: 0, ...y },
      marks: [alarmRules(steps), ...drawn.flatMap((line) => lineMarks(steps, line))],
    },
    label,
  );
}

function lineMarks(steps: readonly TrainingStep[], { of, colour, dashed = false }: Line): Markish[] {
  const value = (step: TrainingStep): number => step[of];
  const dash = dashed ? { strokeDasharray: "5,3" } : {};
  if (steps.length > MANY_STEPS) {
    const k = Math.max(5, Math.round(steps.length / 20));
    return [
      lineY(steps, { x: "step", y: value, stroke: colour, strokeWidth: 0.75, strokeOpacity: 0.3 }),
      lineY(steps, windowY(k, { x: "step", y: value, stroke: colour, strokeWidth: 2, ...dash })),
    ];
  }
  return [
    lineY(steps, { x: "step", y: value, stroke: colour, strokeWidth: 1.75, ...dash }),
    dot(steps, {
      x: "step",
      y: value,
      fill: colour,
      r: 2,
      title: (step) => `step ${step.step}: ${value(step).toPrecision(3)}`,
    }),
  ];
}

function alarmRules(steps: readonly TrainingStep[]): Markish {
  const alarmed = steps.filter(({ alarms }) => alarms.length > 0);
  return ruleX(alarmed, { x: "step", stroke: colours.second, strokeDasharray: "1,3", strokeWidth: 1.5 });
}

const operationColours = {
  ADD: colours.first,
  UPDATE: colours.third,
  DELETE: colours.second,
  NOOP: colours.faint,
} as const;

/** Share of each operation among those of a step. Undefined for an agent that manages no bank. */
export function operationsChart(steps: readonly TrainingStep[]): Markup | undefined {
  const first = steps[0]?.step ?? 0;
  const last = steps.at(-1)?.step ?? 0;
  const width = Math.max(1, Math.ceil((last - first + 1) / BARS));
  const events = Object.keys(operationColours) as (keyof typeof operationColours)[];
  const bars = new Map<number, TrainingStep[]>();
  for (const step of steps) {
    const at = Math.floor((step.step - first) / width);
    bars.set(at, [...(bars.get(at) ?? []), step]);
  }
  const shares = [...bars].flatMap(([at, own]) => {
    const counts = events.map((event) => own.reduce((sum, { operations }) => sum + (operations[event] ?? 0), 0));
    const all = counts.reduce((sum, one) => sum + one, 0);
    const from = first + at * width - 0.5;
    return all === 0 ? [] : events.map((event, e) => ({ event, share: counts[e]! / all, from, to: from + width }));
  });
  if (shares.length === 0) return undefined;
  return drawSvg(
    {
      ...frame,
      x: stepAxis,
      y: {
        label: null,
        domain: [0, 1],
        ticks: 4,
        tickSize: 0,
        ...shareTicks,
      },
      color: { domain: events, range: Object.values(operationColours) },
      marks: [
        rectY(
          shares,
          stackY({
            x1: "from",
            x2: "to",
            y: "share",
            fill: "event",
            insetLeft: 0.5,
            insetRight: 0.5,
            title: (one) => `${one.event} ${(100 * one.share).toFixed(0)} %`,
          }),
        ),
        ruleY([0], { stroke: colours.muted }),
      ],
    },
    "Share of each memory operation by training step",
  );
}
