import { mean } from "../mean.js";
import { html, type Markup } from "./markup.js";

/** Points of 100. */
export const points = (value: number): string => (100 * value).toFixed(1);

/** A count, or a mean of counts. */
export const number = (value: number): string =>
  Number.isInteger(value) ? value.toLocaleString("en") : value.toFixed(1);

type Known = number | null | undefined;

/** Whether a figure reads the same in all runs that know it. */
export function alike(values: readonly Known[], format: (value: number) => string): boolean {
  return new Set(values.flatMap((value) => (isKnown(value) ? [format(value)] : []))).size <= 1;
}

/** A figure of several runs: their mean above the least and the greatest; one that is equal in all stands once, "–" for one that none knows. */
export function spread(values: readonly Known[], format: (value: number) => string): Markup {
  const known = values.filter(isKnown);
  if (known.length === 0) return html`–`;
  if (alike(known, format)) return html`${format(known[0]!)}`;
  return html`${format(mean(known))}<br><small>${format(Math.min(...known))}–${format(Math.max(...known))}</small>`;
}

const isKnown = (value: Known): value is number => typeof value === "number" && !Number.isNaN(value);
