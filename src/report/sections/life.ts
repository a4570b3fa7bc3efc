import type { Answer, Change, MemoryValue } from "../../trace/episode.js";
import type { Conversation, GivenAnswer, ToldStep } from "../read/conversation.js";

/** A change in a memory's life, and the turn that brought it. */
export interface LifeChange {
  readonly at: number;
  readonly change: Change;
  /** Null where a person took something back. */
  readonly told: ToldStep | null;
}

/** An answer that named the memory as used. */
export interface Use {
  readonly given: GivenAnswer;
}

/** From being added to being deleted. Positions count the turns of the conversation from 0. */
export interface Life {
  readonly key: string;
  /** Null where it was there before the recording. */
  readonly born: number | null;
  /** Null where it is there at the end. */
  readonly died: number | null;
  /** Its last text. */
  readonly value: MemoryValue;
  readonly changes: readonly LifeChange[];
  readonly uses: readonly Use[];
  /** Answers that were shown it, whether they used it or not. */
  readonly shown: number;
}

interface Growing {
  key: string;
  born: number | null;
  died: number | null;
  value: MemoryValue;
  changes: LifeChange[];
  uses: Use[];
  shown: number;
}

/** The lives of a bank's memories, in the order in which they began. A key that is added again after its deletion lives anew. */
export function lives({ namespace, steps, answers, takenBack }: Conversation): Life[] {
  const all: Growing[] = [];
  const living = new Map<string, Growing>();
  const begin = (key: string, value: MemoryValue, born: number | null): Growing => {
    const life: Growing = { key, born, died: null, value, changes: [], uses: [], shown: 0 };
    all.push(life);
    living.set(key, life);
    return life;
  };
  const alive = (key: string, value: MemoryValue): Growing => living.get(key) ?? begin(key, value, null);
  const own = JSON.stringify(namespace);
  const see = (given: GivenAnswer): void => {
    for (const { alias, key, namespace: shared, ...value } of given.answer.retrieved) {
      if (shared !== undefined && JSON.stringify(shared) !== own) continue;
      const life = alive(key, value);
      life.shown++;
      if (names(given.answer, alias)) life.uses.push({ given });
    }
  };
  const live = (at: number, changes: readonly Change[], told: ToldStep | null): void => {
    for (const change of changes) {
      const { key, before, after } = change;
      const life =
        before === null && after !== null && !living.has(key) ? begin(key, after, at) : alive(key, (before ?? after)!);
      life.changes.push({ at, change, told });
      if (after === null) {
        life.died = at;
        living.delete(key);
      } else {
        life.value = after;
      }
    }
  };
  const given = [...answers];
  const undone = [...takenBack];
  /** What came before the step at this place: answers, and what was taken back between them. */
  const until = (at: number): void => {
    for (;;) {
      const [answer, undo] = [given[0], undone[0]];
      if (undo !== undefined && undo.after <= at && undo.answers <= answers.length - given.length) {
        live(Math.max(0, undo.after - 1), undo.undo.changes, null);
        undone.shift();
      } else if (answer !== undefined && answer.after <= at) {
        see(answer);
        given.shift();
      } else return;
    }
  };
  for (const [at, told] of steps.entries()) {
    until(at);
    live(at, told.step.changes, told);
  }
  until(steps.length);
  return all;
}

const names = ({ selected }: Answer, alias: string): boolean => selected.includes(alias);
