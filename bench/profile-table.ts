import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}

/**
 * Time by operator and provider of all profiles that begin with `prefix`, largest first. On a GPU these are times of launching, unless
 * CUDA_LAUNCH_BLOCKING=1 makes every launch wait for its kernel.
 */
export function profileTable(
  prefix: string,
  rows = 25,
): { operator: string; provider: string; ms: number; calls: number }[] {
  const sums = new Map<string, { ms: number; calls: number }>();
  for (const file of readdirSync(dirname(prefix)).filter((name) => name.startsWith(basename(prefix)))) {
    // One event per line: a whole profile can be longer than the longest string.
    for (const line of readFileSync(join(dirname(prefix), file))
      .toString("latin1")
      .split("\n")) {
      const event = parse(line);
      if (event?.cat !== "Node" || !event.name.endsWith("_kernel_time")) continue;
      const { op_name: operator = "?", provider = "?" } = event.args ?? {};
      // Control flow holds the time of what runs inside it.
      if (operator === "Loop" || operator === "If") continue;
      const key = `${operator} ${provider}`;
      const sum = sums.get(key) ?? { ms: 0, calls: 0 };
      sums.set(key, { ms: sum.ms + event.dur / 1000, calls: sum.calls + 1 });
    }
  }
  return [...sums]
    .map(([key, { ms, calls }]) => {
      const [operator = "", provider = ""] = key.split(" ");
      return { operator, provider: provider.replace("ExecutionProvider", ""), ms: Math.round(ms * 10) / 10, calls };
    })
    .sort((a, b) => b.ms - a.ms)
    .slice(0, rows);
}

function parse(line: string): ProfileEvent | undefined {
  const text = line.trim().replace(/,$/, "");
  return text.startsWith("{") && text.endsWith("}") ? (JSON.parse(text) as ProfileEvent) : undefined;
}
