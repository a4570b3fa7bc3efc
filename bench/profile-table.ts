import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly ts: number;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly provider?: string;
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

export interface ProfileRow {
  /** The program of a session that holds several; "-" in one that holds one. */
  readonly phase: string;
  /** Whether the operator ran within a loop, such as decoding's steps or an update's batches. */
  readonly loop: boolean;
  readonly operator: string;
  readonly provider: string;
  /** Type and shape of the first output. */
  readonly output: string;
  readonly ms: number;
  readonly calls: number;
}

/**
 * Time of whole runs, and by phase, operator and shape, of all profiles that begin with `prefix`, largest first within a phase, after the first `warmUp` share of
 * each session's runs. On a GPU these are times of launching, unless CUDA_LAUNCH_BLOCKING=1 makes every launch wait for its kernel.
 */
export function profileTable(prefix: string, warmUp: number, rowsOfPhase = 40): ProfileRow[] {
  const files = readdirSync(dirname(prefix)).filter((name) => name.startsWith(basename(prefix)));
  const rows = files.flatMap((file) => tableOf(events(join(dirname(prefix), file)), warmUp));
  const phases = [...new Set(rows.map(({ phase }) => phase))];
  return phases.flatMap((phase) => {
    const own = rows.filter((row) => row.phase === phase).sort((a, b) => b.ms - a.ms);
    const rest = own.slice(rowsOfPhase);
    const sum = (of: (row: ProfileRow) => number) => rest.reduce((total, row) => total + of(row), 0);
    const others = { phase, loop: false, operator: "all others", provider: "", output: "" };
    const all = [
      ...own.slice(0, rowsOfPhase),
      ...(rest.length === 0 ? [] : [{ ...others, ms: sum(({ ms }) => ms), calls: sum(({ calls }) => calls) }]),
    ];
    return all.map((row) => ({ ...row, ms: Math.round(row.ms * 10) / 10 }));
  });
}

function tableOf(all: readonly ProfileEvent[], warmUp: number): ProfileRow[] {
  const runs = all.filter(({ name }) => name === "model_run").sort((a, b) => a.ts - b.ts);
  const from = runs[Math.round(runs.length * warmUp)]?.ts ?? 0;
  const kernels = all.filter(({ name, ts }) => name.endsWith("_kernel_time") && ts >= from);
  const operator = ({ args }: ProfileEvent) => args?.op_name ?? "?";
  // Control flow lasts as long as what runs inside it, and tells where that is.
  const branches = intervals(kernels.filter((event) => operator(event) === "If"));
  const loops = intervals(kernels.filter((event) => operator(event) === "Loop"));
  const sums = new Map<string, ProfileRow>();
  const add = (key: Omit<ProfileRow, "ms" | "calls">, microseconds: number) => {
    const text = JSON.stringify(key);
    const { ms, calls } = sums.get(text) ?? { ms: 0, calls: 0 };
    sums.set(text, { ...key, ms: ms + microseconds / 1000, calls: calls + 1 });
  };
  for (const event of kernels) {
    if (operator(event) === "Loop" || operator(event) === "If") continue;
    const key = {
      phase: programOf(branches(event.ts)),
      loop: loops(event.ts) !== undefined,
      operator: operator(event),
      provider: (event.args?.provider ?? "?").replace("ExecutionProvider", ""),
      output: shapeText(event.args?.output_type_shape?.[0]),
    };
    add(key, event.dur);
  }
  for (const { ts, dur } of runs) {
    if (ts < from) continue;
    const inside = kernels.filter((event) => operator(event) === "If" && event.ts >= ts && event.ts < ts + dur);
    const longest = inside.sort((a, b) => b.dur - a.dur)[0];
    add({ phase: programOf(longest), loop: false, operator: "the whole run", provider: "", output: "" }, dur);
  }
  return [...sums.values()];
}

/** The runtime names a branch by its first output, and that output begins with the program's name. */
const programOf = (branch: ProfileEvent | undefined): string => /\/([^:]+):/.exec(branch?.name ?? "")?.[1] ?? "-";

/** Finds the latest of the events that a moment lies within. */
function intervals(unsorted: readonly ProfileEvent[]): (at: number) => ProfileEvent | undefined {
  const sorted = [...unsorted].sort((a, b) => a.ts - b.ts);
  return (at) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]!.ts <= at) low = middle + 1;
      else high = middle;
    }
    // Loops may stand within loops: an inner one that is over does not hide the outer one.
    for (let i = low - 1; i >= Math.max(0, low - 64); i--) {
      const event = sorted[i]!;
      if (at < event.ts + event.dur) return event;
    }
    return undefined;
  };
}

function shapeText(shape: Readonly<Record<string, readonly number[]>> | undefined): string {
  const [[type, dims] = ["", []]] = Object.entries(shape ?? {});
  return `${type}[${dims.join(", ")}]`;
}

/** One event per line: a whole profile can be longer than the longest string. */
function events(path: string): ProfileEvent[] {
  const lines = readFileSync(path).toString("latin1").split("\n");
  return lines.flatMap((line) => {
    const text = line.trim().replace(/,$/, "");
    return text.startsWith("{") && text.endsWith("}") ? [JSON.parse(text) as ProfileEvent] : [];
  });
}
