import { alignRows } from "../evaluate/cells.js";
import type { StageMark } from "./mark.js";
import { type Measured, type Stage, type WorkUnit, workUnits } from "./stage.js";

/** Seconds of one unit of work, and where they were measured. */
export interface Rate {
  readonly seconds: number;
  /** "probe", or the name of a stage. */
  readonly from: string;
}

export type Rates = Readonly<Partial<Record<WorkUnit, Rate>>>;

export interface PlannedStage {
  readonly name: string;
  readonly what: string;
  readonly state: "open" | "begun" | "done";
  /** Measured of a stage that is done, else estimated as if none of it were done; null where nothing is known of a unit. */
  readonly seconds: number | null;
  /** Where the estimate's rates were measured; empty of a stage that is done. */
  readonly from: readonly string[];
}

/** Rates by the latest stage that measured them, else by the probe. */
export function ratesOf(stages: readonly Stage[], marks: ReadonlyMap<string, StageMark>, probe: Measured): Rates {
  const rates: Partial<Record<WorkUnit, Rate>> = {};
  const sources = [["probe", probe], ...stages.map(({ name }) => [name, marks.get(name)?.measured ?? {}])] as const;
  for (const [from, measured] of sources as readonly (readonly [string, Measured])[]) {
    for (const unit of workUnits) {
      const found = measured[unit];
      if (found !== undefined) rates[unit] = { seconds: found.seconds / found.count, from };
    }
  }
  return rates;
}

/** What is left to do, and about how long it takes. */
export function planStages(
  stages: readonly Stage[],
  marks: ReadonlyMap<string, StageMark>,
  rates: Rates,
): PlannedStage[] {
  return stages.map(({ name, what, work }) => {
    const mark = marks.get(name);
    if (mark?.state === "done") return { name, what, state: "done", seconds: mark.seconds, from: [] };
    const units = workUnits.filter((unit) => (work[unit] ?? 0) > 0);
    const known = units.flatMap((unit) => rates[unit] ?? []);
    const seconds = units.reduce((sum, unit) => sum + work[unit]! * (rates[unit]?.seconds ?? 0), 0);
    return {
      name,
      what,
      state: mark === undefined ? "open" : "begun",
      seconds: known.length === units.length ? seconds : null,
      from: [...new Set(known.map(({ from }) => from))],
    };
  });
}

/** The units that open stages need and nobody has measured: what a probe is for. */
export function unmeasured(stages: readonly Stage[], marks: ReadonlyMap<string, StageMark>, rates: Rates): WorkUnit[] {
  const open = stages.filter(({ name }) => marks.get(name)?.state !== "done");
  return workUnits.filter((unit) => rates[unit] === undefined && open.some(({ work }) => (work[unit] ?? 0) > 0));
}

/** The plan as a table, with the time that is left. */
export function formatPlan(planned: readonly PlannedStage[]): string {
  const rows = planned.map(({ name, what, state, seconds, from }, at) => [
    `${at + 1} ${name}`,
    state === "done" ? "done" : state === "begun" ? "begun" : "",
    `${state === "done" ? "in" : "about"} ${seconds === null ? "?" : duration(seconds)}`,
    from.length === 0 ? "-" : from.join("+"),
    what,
  ]);
  const left = planned.filter(({ state }) => state !== "done");
  const total = left.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
  const unknown = left.some(({ seconds }) => seconds === null) ? ", and more: some rates are not measured" : "";
  return [
    alignRows([["stage", "", "time", "by", "what"], ...rows]),
    left.length === 0
      ? "nothing is left to do"
      : `left: about ${duration(total)}${unknown}. An estimate: unit times as measured ("by") times their number; prompts grow as banks fill, so it may take longer.`,
  ].join("\n");
}

/** "45 s", "12 min", "3.4 h" */
function duration(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  if (seconds < 6000) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
