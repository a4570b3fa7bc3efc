import type { Operation } from "../memory/bank/operation.js";
import { type Fact, factText } from "./facts.js";
import type { Step } from "./plan.js";

/** One thing that a speaker told over time, with the turns that told of it. */
export interface History {
  /** What holds at the end; "ended" where it was taken back. */
  readonly fact: Fact;
  readonly changes: number;
  /** Ids of the turns, in order; the last one decides. */
  readonly turns: readonly string[];
  /** Date of the last of them. */
  readonly time: string;
}

/** The bank as it should be: every step becomes the right operation on it. */
export class GoldBank {
  readonly #memories = new Map<string, { id: string; history: History }>();
  #added = 0;

  apply({ kind, fact }: Step, turn: { readonly id: string; readonly time: string }): Operation {
    const subject = fact.type === "event" ? `${fact.event} ${fact.value}` : fact.attribute;
    const key = `${fact.speaker} ${subject}`;
    const known = this.#memories.get(key);
    const turns = [...(known?.history.turns ?? []), turn.id];
    if (kind === "repetition" && known !== undefined) {
      // A repetition says nothing new: the turn that decided stays the last piece of evidence.
      return { event: "NOOP", id: known.id };
    }
    const changes = known === undefined ? 0 : known.history.changes + 1;
    const id = known?.id ?? `g${++this.#added}`;
    this.#memories.set(key, { id, history: { fact, changes, turns, time: turn.time } });
    if (kind === "retraction") return { event: "DELETE", id };
    if (known === undefined) return { event: "ADD", text: factText(fact) };
    return { event: "UPDATE", id, text: factText(fact) };
  }

  histories(): History[] {
    return [...this.#memories.values()].map(({ history }) => history);
  }
}
