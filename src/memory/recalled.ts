import { oneLine } from "./text.js";

const OPEN = "<recalled-memories>";
const CLOSE = "</recalled-memories>";
const BLOCK = new RegExp(`${OPEN}[\\s\\S]*?(${CLOSE}|$)`, "g");

/**
 * Memories as a block for a prompt, marked as recalled: `withoutRecalled` takes it out again where the text that it stands
 * in comes back as a turn, so that what was remembered is not learned as if it had been said anew.
 */
export function quoteRecalled(memories: readonly { readonly text: string; readonly time?: string }[]): string {
  const lines = memories.map(({ text, time }) => `- ${time === undefined ? "" : `(${lineOf(time)}) `}${lineOf(text)}`);
  return [OPEN, ...lines, CLOSE].join("\n");
}

/** The text without what `quoteRecalled` marked; a block that does not end goes on to the end. */
export function withoutRecalled(text: string): string {
  return text.replace(BLOCK, " ").replaceAll(CLOSE, " ").trim();
}

/** The facts that no recalled memory says in the same text, whatever its case, spaces and final punctuation. */
export function newFacts(facts: readonly string[], recalled: readonly string[] = []): string[] {
  const known = new Set(recalled.map(plainText));
  return facts.filter((fact) => !known.has(plainText(fact)));
}

/** A memory's text can't end the block that it stands in. */
function lineOf(text: string): string {
  return oneLine(text).replaceAll(OPEN, " ").replaceAll(CLOSE, " ");
}

/** All but the end of a sentence may tell two facts apart: "C" and "C++", "is 5" and "is -5". */
function plainText(text: string): string {
  return oneLine(text.normalize("NFKC").toLowerCase()).replace(/[\s.!?。।]+$/, "");
}
