import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dot, line, plot } from "@observablehq/plot";
import { parseHTML } from "linkedom/worker";

/**
 * SVG of how a recipe's answerer learned: reward, KL and entropy of each step, and F1 on the validation conversation, against steps; a line for
 * each folder.
 *
 *     npx tsx bench/recipe-plot.ts runs/locomo-1 runs/locomo-2 > bench/locomo.svg
 */
interface Point {
  readonly panel: string;
  readonly run: string;
  readonly step: number;
  readonly value: number;
}

interface Step {
  readonly step: number;
  readonly outcome: number;
  readonly kl: number;
  readonly entropy: number;
}

interface Validated {
  readonly step: number;
  readonly f1: number;
}

const panels = ["F1 of training answers", "KL to the base model", "entropy", "F1 on conv-30"] as const;

/** Steps whose median one drawn point is: a single one has eight questions, and one improbable token can make a KL of hundreds. */
const SMOOTHING = 10;

function pointsOf(folder: string): Point[] {
  const stage = join(folder, "answerer");
  const steps = readFileSync(join(stage, "run", "metrics.jsonl"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((one) => JSON.parse(one) as Step);
  const smooth = (panel: string, of: (step: Step) => number): Point[] =>
    steps.map(({ step }, at) => {
      const window = steps.slice(Math.max(0, at - SMOOTHING + 1), at + 1).map(of);
      return { panel, run: folder, step, value: window.sort((a, b) => a - b)[window.length >> 1]! };
    });
  const validated = JSON.parse(readFileSync(join(stage, "validation.json"), "utf8")) as Validated[];
  return [
    ...smooth(panels[0], ({ outcome }) => outcome),
    ...smooth(panels[1], ({ kl }) => kl),
    ...smooth(panels[2], ({ entropy }) => entropy),
    ...validated.map(({ step, f1 }) => ({ panel: panels[3], run: folder, step, value: f1 })),
  ];
}

const folders = process.argv.slice(2);
if (folders.length === 0) throw new Error("usage: npx tsx bench/recipe-plot.ts FOLDER… (--out of train --recipe)");
const points = folders.flatMap(pointsOf);
const { document } = parseHTML("<!doctype html><html><body></body></html>");
const place = { x: "step", y: "value", fx: "panel", stroke: "run" } as const;
const drawn = plot({
  document,
  width: 1000,
  height: 280,
  marginLeft: 45,
  marginBottom: 44,
  style: { background: "white", color: "#222", fontFamily: "sans-serif", fontSize: "12px" },
  fx: { domain: [...panels], label: null, padding: 0.06 },
  x: { label: "step", ticks: 4 },
  y: { grid: true, label: null, domain: [0, Math.max(...points.map(({ value }) => value))] },
  color: { domain: folders, range: ["#0072b2", "#d55e00", "#009e73"] },
  marks: [
    line(points, { ...place, strokeWidth: 2 }),
    dot(points, { ...place, r: 3, filter: ({ panel }: Point) => panel === panels[3] }),
  ],
});
const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
title.textContent = "How the answerer learned on LoCoMo: F1, KL and entropy against steps, a line for each seed";
drawn.insertBefore(title, drawn.firstChild);
drawn.setAttribute("xmlns", "http://www.w3.org/2000/svg");
process.stdout.write(`${drawn.outerHTML}\n`);
