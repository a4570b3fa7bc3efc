import { dot, line, type Markish } from "@observablehq/plot";
import { ANSWERER, FINAL_ANSWERER, MANAGER, type TrainingStage, trainingStages } from "../../recipe/stage-names.js";
import type { Markup } from "../markup.js";
import { colours, drawSvg } from "../plot-svg.js";
import type { CurvePoint } from "../read/validation-curves.js";
import { points } from "../spread.js";

const colourOf: Readonly<Record<TrainingStage, string>> = {
  [ANSWERER]: colours.first,
  [MANAGER]: colours.second,
  [FINAL_ANSWERER]: colours.third,
};

/** Validation F1 against minutes of training: a line for each stage of each run, thin where there are several, with their mean in front. */
export function validationChart(curves: readonly (readonly CurvePoint[])[], mean: readonly CurvePoint[]): Markup {
  const several = curves.length > 1;
  return drawSvg(
    {
      width: 736,
      height: 300,
      marginLeft: 46,
      marginRight: 12,
      marginTop: 10,
      marginBottom: 40,
      x: {
        label: "minutes of training",
        labelArrow: "none",
        labelAnchor: "right",
        labelOffset: 36,
        tickSize: 0,
        ticks: 8,
        zero: true,
      },
      y: { label: null, grid: true, nice: true, ticks: 5, tickSize: 0 },
      marks: [
        ...curves.flatMap((curve) => curveMarks(curve, several ? 0.75 : 1.75, several ? 0.6 : 1)),
        ...(several ? lineMarks(mean, 2.5, 1) : []),
      ],
    },
    "Validation F1 by minutes of training",
  );
}

function lineMarks(curve: readonly CurvePoint[], strokeWidth: number, strokeOpacity: number): Markish[] {
  return trainingStages.map((stage) =>
    line(
      curve.filter((point) => point.stage === stage),
      { x: "minutes", y: inPoints, stroke: colourOf[stage], strokeWidth, strokeOpacity },
    ),
  );
}

function curveMarks(curve: readonly CurvePoint[], strokeWidth: number, strokeOpacity: number): Markish[] {
  return [
    ...lineMarks(curve, strokeWidth, strokeOpacity),
    dot(curve, {
      x: "minutes",
      y: inPoints,
      r: ({ chosen }: CurvePoint) => (chosen ? 6 : 2.5),
      symbol: ({ chosen }: CurvePoint) => (chosen ? "diamond2" : "circle"),
      stroke: ({ stage }: CurvePoint) => colourOf[stage],
      fill: ({ stage, candidate }: CurvePoint) => (candidate ? colourOf[stage] : colours.paper),
      title: ({ run, stage, step, minutes, f1, chosen }: CurvePoint) =>
        `${run}, ${stage}, step ${step}, ${minutes.toFixed(1)} min: ${points(f1)}${chosen ? ", chosen" : ""}`,
    }),
  ];
}

const inPoints = ({ f1 }: CurvePoint): number => 100 * f1;
