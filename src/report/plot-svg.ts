import { type PlotOptions, plot } from "@observablehq/plot";
import { parseHTML } from "linkedom/worker";
import { Markup, plainText } from "./markup.js";

const { document } = parseHTML("<!doctype html><html><body></body></html>");

/** Colours are variables of the page's style, so that one drawing serves light and dark. */
export const colours = {
  first: "var(--first)",
  second: "var(--second)",
  third: "var(--third)",
  muted: "var(--muted)",
  faint: "var(--faint)",
  paper: "var(--paper)",
} as const;

/** A chart as an SVG element. `label` says in words what it shows, for those who do not see it. */
export function drawSvg(options: PlotOptions, label: string): Markup {
  const drawn = plot({ ...options, document, style: { fontSize: "11px", fontFamily: "inherit" } });
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", plainText(label));
  return new Markup(drawn.outerHTML);
}

/** One line of a chart's text, cut to a length in characters. */
export function chartText(text: string, longest: number): string {
  const characters = [...plainText(text).replaceAll(/\s+/g, " ").trim()];
  return characters.length > longest ? `${characters.slice(0, longest - 1).join("")}…` : characters.join("");
}

/** Ticks of what is counted: no halves of a step. */
export const wholeTicks = {
  tickFormat: (value: number) => (Number.isInteger(value) ? value.toLocaleString("en") : ""),
  tickSize: 0,
  ticks: 6,
} as const;
