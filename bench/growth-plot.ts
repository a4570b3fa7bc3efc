import { readFileSync } from "node:fs";
import { dot, line, plot, text } from "@observablehq/plot";
import { parseHTML } from "linkedom/worker";

/**
 * SVG of the time of a GRPO step against the length of prompts, the size of groups and the number of prompts, from the JSON lines of
 * `bench/grpo-step.ts --growth`, on logarithmic axes: what grows linearly runs along the dashed guide.
 *
 *     npx tsx bench/growth-plot.ts growth.jsonl > bench/growth.svg
 */
interface Measured {
  readonly phase: string;
  readonly s: number;
  readonly prompt_length: number;
  readonly group: number;
  readonly prompts: number;
}

const factors = [
  { key: "prompt_length", name: "tokens of a prompt" },
  { key: "group", name: "responses of a prompt" },
  { key: "prompts", name: "prompts" },
] as const;

const phases = [
  { name: "whole step", of: ["step"], colour: "#000000" },
  { name: "rollout", of: ["rollout"], colour: "#0072b2" },
  { name: "scores", of: ["old scores", "reference scores"], colour: "#009e73" },
  { name: "update", of: ["update"], colour: "#d55e00" },
] as const;

interface Point {
  readonly factor: string;
  readonly phase: string;
  /** Multiple of the base workload's value. */
  readonly x: number;
  readonly value: number;
  readonly seconds: number;
}

/** Points of all factors; the first workload is the base, which the others change in one respect each. */
function pointsOf(measured: readonly Measured[]): Point[] {
  const [base] = measured;
  if (base === undefined)
    throw new Error("no measured phase in this file: pass the output of bench/grpo-step.ts --growth");
  return factors.flatMap(({ key, name: factor }) => {
    const others = factors.filter((one) => one.key !== key);
    const own = measured.filter((one) => others.every((other) => one[other.key] === base[other.key]));
    const values = [...new Set(own.map((one) => one[key]))].sort((a, b) => a - b);
    return phases.flatMap(({ name, of }) =>
      values.map((value) => {
        const parts = own.filter((one) => one[key] === value && of.some((phase) => phase === one.phase));
        const seconds = parts.reduce((sum, { s }) => sum + s, 0);
        return { factor, phase: name, x: value / base[key], value, seconds };
      }),
    );
  });
}

/** What a step would take if it grew as the factor does. */
function guide(points: readonly Point[]): Pick<Point, "factor" | "x" | "seconds">[] {
  return factors.flatMap(({ name: factor }) => {
    const own = points.filter((point) => point.factor === factor && point.phase === phases[0].name);
    const base = own.find(({ x }) => x === 1)!;
    return [own[0]!, own.at(-1)!].map(({ x }) => ({ factor, x, seconds: base.seconds * x }));
  });
}

/** The drawing as a file of its own. */
function growthSvg(measured: readonly Measured[]): string {
  const points = pointsOf(measured);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const lasts = points.filter(
    (point) => point.x === Math.max(...points.filter(({ factor }) => factor === point.factor).map(({ x }) => x)),
  );
  const place = { x: "x", y: "seconds", fx: "factor" } as const;
  const drawn = plot({
    document,
    width: 1000,
    height: 380,
    marginLeft: 50,
    marginRight: 12,
    marginBottom: 44,
    style: { background: "white", color: "#222", fontFamily: "sans-serif", fontSize: "12px" },
    fx: { domain: factors.map(({ name }) => name), label: null, padding: 0.04 },
    x: {
      type: "log",
      base: 2,
      // Room for the names at the lines' ends.
      domain: [0.22, 9],
      ticks: [0.25, 0.5, 1, 2, 4],
      tickFormat: (x: number) => `×${x}`,
      label: "multiple of the base workload",
    },
    y: { type: "log", grid: true, label: "seconds", tickFormat: (y: number) => String(Number(y.toPrecision(2))) },
    color: { domain: phases.map(({ name }) => name), range: phases.map(({ colour }) => colour) },
    marks: [
      line(guide(points), { ...place, stroke: "#888", strokeDasharray: "5 4" }),
      line(points, { ...place, stroke: "phase", strokeWidth: 2 }),
      dot(points, { ...place, fill: "phase", r: 3 }),
      text(points, {
        ...place,
        text: (point: Point) => String(point.value),
        filter: (point: Point) => point.phase === phases[0].name,
        dy: -11,
        fill: "#222",
      }),
      text(lasts, { ...place, text: "phase", fill: "phase", textAnchor: "start", dx: 6 }),
    ],
  });
  const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
  title.textContent =
    "Seconds of a GRPO step against prompt length, group size and number of prompts; dashed: linear growth";
  drawn.insertBefore(title, drawn.firstChild);
  drawn.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return `${drawn.outerHTML}\n`;
}

const [file] = process.argv.slice(2);
if (file === undefined)
  throw new Error("usage: npx tsx bench/growth-plot.ts FILE (JSON lines of bench/grpo-step.ts --growth)");
const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
const measured = lines.map((one) => JSON.parse(one) as Measured).filter(({ s }) => s !== undefined);
process.stdout.write(growthSvg(measured));
