import { axisY, dot, ruleY } from "@observablehq/plot";
import type { Markup } from "../markup.js";
import { chartText, colours, drawSvg } from "../plot-svg.js";
import type { ScoreRow } from "../read/score-rows.js";

const shown = [
  { metric: "exact-match", name: "exact match", colour: colours.first, hollow: false },
  { metric: "f1", name: "F1", colour: colours.second, hollow: true },
] as const;

/** Exact match and F1 of each row in points of 100, with intervals where they are known. */
export function scoresChart(rows: readonly Pick<ScoreRow, "name" | "metrics" | "intervals">[]): Markup {
  const marks = shown.flatMap(({ metric, name, colour, hollow }, side) => {
    const known = rows.flatMap(({ metrics, intervals }, at) => {
      const value = metrics[metric];
      if (value === undefined) return [];
      const interval = intervals[metric]?.questions ?? [value, value];
      return [{ at, value: 100 * value, low: 100 * interval[0], high: 100 * interval[1] }];
    });
    // Beside each other, so that equal values do not hide one another.
    const place = { y: "at", dy: side === 0 ? -4 : 4 };
    return [
      ruleY(known, { ...place, x1: "low", x2: "high", stroke: colour, strokeWidth: 1.5 }),
      dot(known, {
        ...place,
        x: "value",
        r: 4,
        stroke: colour,
        strokeWidth: 1.75,
        fill: hollow ? colours.paper : colour,
        title: (one) => `${name} ${one.value.toFixed(1)}`,
      }),
    ];
  });
  const domain = rows.map((_, at) => at);
  return drawSvg(
    {
      width: 736,
      height: 26 * rows.length + 40,
      marginLeft: 190,
      marginRight: 16,
      marginTop: 6,
      marginBottom: 28,
      x: { domain: [0, 100], grid: true, label: null, tickSize: 0, ticks: 5 },
      y: { type: "band", domain, label: null },
      marks: [
        axisY({ tickSize: 0, label: null, tickFormat: (at: number) => chartText(rows[at]?.name ?? "", 30) }),
        ...marks,
      ],
    },
    `Exact match and F1 of ${rows.length} configurations`,
  );
}
