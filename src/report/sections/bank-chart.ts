import { axisY, dot, ruleY } from "@observablehq/plot";
import type { Markup } from "../markup.js";
import { chartText, colours, drawSvg } from "../plot-svg.js";
import type { Conversation } from "../read/conversation.js";
import type { Life } from "./life.js";

const marksOf = {
  ADD: { symbol: "circle", fill: colours.first, stroke: colours.first },
  UPDATE: { symbol: "diamond2", fill: colours.third, stroke: colours.third },
  DELETE: { symbol: "times", fill: "none", stroke: colours.second },
} as const;

/** Each memory a row, from the turn that added it to the one that deleted it; below its line, the answers that used it. */
export function bankChart({ steps }: Conversation, lives: readonly Life[]): Markup {
  const end = Math.max(steps.length - 1, 0) + 0.5;
  const spans = lives.map(({ born, died }, row) => ({ row, from: born ?? -0.5, to: died ?? end }));
  const changes = lives.flatMap(({ changes: all }, row) => all.map(({ at, change }) => ({ row, at, change })));
  const uses = lives.flatMap(({ uses: all }, row) =>
    all.map(({ given }) => ({ row, at: Math.max(given.after - 1, 0) + 0.25, given })),
  );
  return drawSvg(
    {
      width: 736,
      height: 24 * lives.length + 44,
      marginLeft: 262,
      marginRight: 12,
      marginTop: 6,
      marginBottom: 30,
      x: {
        domain: [-0.5, end],
        label: null,
        ticks: Math.min(8, steps.length),
        tickSize: 0,
        tickFormat: (at: number) => chartText(steps[at]?.step.turn.id ?? "", 10),
      },
      y: { type: "band", domain: lives.map((_, row) => row), label: null },
      marks: [
        axisY({
          tickSize: 0,
          label: null,
          tickFormat: (row: number) => `${chartText(lives[row]?.value.text ?? "", 36)}  ${row + 1}`,
        }),
        ruleY(spans, { y: "row", x1: "from", x2: "to", stroke: colours.faint, strokeWidth: 2 }),
        ...(Object.keys(marksOf) as (keyof typeof marksOf)[]).map((event) =>
          dot(
            changes.filter(({ change }) => change.event === event),
            {
              y: "row",
              x: "at",
              r: 4,
              strokeWidth: 2,
              ...marksOf[event],
              title: ({ change }) => chartText(`${event}: ${(change.after ?? change.before)?.text ?? ""}`, 200),
            },
          ),
        ),
        dot(uses, {
          y: "row",
          x: "at",
          dy: 8,
          r: 3,
          symbol: "triangle",
          stroke: colours.muted,
          fill: ({ given }) => (given.right === false ? colours.paper : colours.muted),
          title: ({ given }) => chartText(`${given.answer.question.text} ${given.answer.answer}`, 200),
        }),
      ],
    },
    `Lives of ${lives.length} memories over ${steps.length} turns`,
  );
}
