import { stemmer } from "stemmer";

/** Letters with the marks that belong to them, and digits. */
const RUN = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu;

/** Scripts that are written without spaces between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

const segmenter = new Intl.Segmenter("en", { granularity: "word" });

/** The words of a text in lower case. */
export function wordsOf(text: string): string[] {
  return split(text.normalize("NFKC").toLowerCase());
}

/** The words of a text as they are written. */
export function writtenWords(text: string): string[] {
  return split(text.normalize("NFKC"));
}

function split(text: string): string[] {
  const runs = text.match(RUN) ?? [];
  return UNSPACED.test(text) ? runs.flatMap(segments) : runs;
}

function segments(run: string): string[] {
  if (!UNSPACED.test(run)) return [run];
  // NFKC takes Thai's sara am apart, and dictionaries know it whole.
  return Array.from(segmenter.segment(run.replaceAll("\u0e4d\u0e32", "\u0e33")), ({ segment }) => segment);
}

/** An English word's stem; other words as they are. */
export function stemOf(word: string): string {
  return /^[a-z]{3,}$/.test(word) ? stemmer(word) : word;
}
