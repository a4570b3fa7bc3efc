import type { Question } from "../trace/episode.js";
import type { Dialogue, DialogueTurn } from "./dialogue.js";

export interface PartOptions {
  /** Only the first turns of each dialogue, and the questions that are asked by then and whose evidence lies in them. */
  readonly turns?: number;
  /** Only the first questions of each dialogue. */
  readonly questions?: number;
}

export interface DialoguePart {
  readonly dialogue: Dialogue;
  readonly turns: readonly DialogueTurn[];
  readonly questions: readonly Question[];
}

/** The turns and questions of a dialogue that are played: a question needs its evidence, and the turn that it follows, to have been said. */
export function selectPart(dialogue: Dialogue, { turns, questions }: PartOptions): DialoguePart {
  const said = dialogue.turns.slice(0, turns);
  const known = new Set(said.map(({ id }) => id));
  const answerable = dialogue.questions.filter(
    ({ evidence = [], after }) =>
      (after === undefined || known.has(after)) && (turns === undefined || evidence.every((id) => known.has(id))),
  );
  return { dialogue, turns: said, questions: answerable.slice(0, questions) };
}
