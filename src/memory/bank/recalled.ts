import { oneLine } from "../text.js";

const OPEN = "<recalled-memories>";
const CLOSE = "</recalled-memories>";
const BLOCK = new RegExp(`${OPEN}[\\s\\S]*?(${CLOSE}|$)`, "g");

/**
 * Formats memories as a prompt block that is marked as recalled. When the text around it comes back as a turn,
 * `withoutRecalled` removes the block, so that memories are not stored again as if they had just been said.
 */
export function quoteRecalled(memories: readonly { readonly text: string; readonly time?: string }[]): string {
  const lines = memories.map(({ text, time }) => `- ${time === undefined ? "" : `(${lineOf(time)}) `}${lineOf(text)}`);
  return [OPEN, ...lines, CLOSE].join("\n");
}

/** The text without the blocks of `quoteRecalled`; an unclosed block extends to the end of the text. */
export function withoutRecalled(text: string): string {
  return text.replace(BLOCK, " ").replaceAll(CLOSE, " ").trim();
}

/** The facts that repeat no recalled memory; case, spaces and final punctuation are ignored. */
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
