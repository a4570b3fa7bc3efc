import type { DialogueTurn } from "./dialogue.js";
import type { GivenFacts } from "./fact-source.js";

/** Turns with the facts that the data has of them. Where it has none of a turn, these are empty, or the turn's own words. */
export const withGivenFacts = (turns: readonly DialogueTurn[], source: GivenFacts): DialogueTurn[] =>
  turns.map((turn) => ({ ...turn, facts: turn.facts ?? (source === "observation" ? [] : [wordsOf(turn)]) }));

const wordsOf = ({ speaker, text }: DialogueTurn): string => `${speaker} said: ${text}`;
