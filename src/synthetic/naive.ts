import type { Operation } from "../memory/bank/operation.js";
import type { Random } from "../random.js";
import { type Fact, factText } from "./facts.js";

/** A memory whose meaning is known. */
export interface KnownMemory {
  readonly fact: Fact;
  readonly time: string;
  readonly source: string;
  /** Position of the turn that last changed it. */
  readonly order: number;
}

/** What a fact is to the memories that are shown beside it. */
type Relation = "new" | "change" | "retraction" | "repetition";
type Choice = "ADD" | "UPDATE" | "DELETE" | "NOOP";
export type Habits = { readonly [R in Relation]: Readonly<Partial<Record<Choice, number>>> };

/** Probabilities by which the base model manages memory: it speaks the format, sees what belongs together, and mostly adds. */
export const naiveHabits: Habits = {
  new: { ADD: 0.88, NOOP: 0.08, UPDATE: 0.04 },
  change: { ADD: 0.55, UPDATE: 0.27, NOOP: 0.1, DELETE: 0.08 },
  retraction: { NOOP: 0.4, ADD: 0.3, DELETE: 0.22, UPDATE: 0.08 },
  repetition: { ADD: 0.5, NOOP: 0.5 },
};

export const rightHabits: Habits = {
  new: { ADD: 1 },
  change: { UPDATE: 1 },
  retraction: { DELETE: 1 },
  repetition: { NOOP: 1 },
};

export const addOnlyHabits: Habits = {
  new: { ADD: 1 },
  change: { ADD: 1 },
  retraction: { ADD: 1 },
  repetition: { ADD: 1 },
};

/** What is done about one fact. */
export interface Decision {
  readonly fact: Fact;
  /** Place of the memory that the fact is compared with; undefined where none is about the same. */
  readonly nearest: number | undefined;
  readonly operation: Operation;
}

/** One decision per fact. `shown[i]` has the alias `m{i+1}`; no memory is changed twice. */
export function decide(
  random: Random,
  facts: readonly Fact[],
  shown: readonly KnownMemory[],
  habits: Habits,
): Decision[] {
  const used = new Set<number>();
  return facts.map((fact) => {
    const found = shown.findIndex((memory) => statesTheSame(memory.fact, fact));
    const nearest = found === -1 ? undefined : found;
    const free = shown.map((_, i) => i).filter((i) => !used.has(i));
    const weights = habits[relationOf(fact, shown[found]?.fact)];
    const choice = random.weighted(possible(weights, nearest, free));
    // A careless update of a new fact hits any of the memories shown.
    const at = nearest ?? (choice === "UPDATE" ? random.pick(free) : 0);
    const operation = operationOf(choice, `m${at + 1}`, factText(fact));
    if (choice === "UPDATE" || choice === "DELETE") used.add(at);
    return { fact, nearest, operation };
  });
}

function operationOf(choice: Choice, id: string, text: string): Operation {
  switch (choice) {
    case "ADD":
      return { event: "ADD", text };
    case "UPDATE":
      return { event: "UPDATE", id, text };
    case "DELETE":
      return { event: "DELETE", id };
    case "NOOP":
      return { event: "NOOP" };
    default:
      return choice satisfies never;
  }
}

function possible(
  { DELETE = 0, UPDATE = 0, ADD = 0, NOOP = 0 }: Readonly<Partial<Record<Choice, number>>>,
  nearest: number | undefined,
  free: readonly number[],
): Partial<Record<Choice, number>> {
  const target = nearest === undefined ? free[0] : free.find((i) => i === nearest);
  const without = {
    ADD,
    NOOP,
    UPDATE: target === undefined ? 0 : UPDATE,
    DELETE: nearest === undefined || target === undefined ? 0 : DELETE,
  };
  // Who wants to delete what is not there has nothing to do.
  return Object.values(without).some((weight) => weight > 0) ? without : { NOOP: 1 };
}

function relationOf(fact: Fact, nearest: Fact | undefined): Relation {
  if (fact.type === "ended") return "retraction";
  if (nearest === undefined) return "new";
  if (factText(nearest) === factText(fact) || refines(nearest, fact)) return "repetition";
  // An event stays beside others of its kind.
  return fact.type === "event" ? "new" : "change";
}

/** Whether `fuller` says all that `fact` says, and a detail more. */
function refines(fuller: Fact, fact: Fact): boolean {
  return fuller.type === "state" && fact.type === "state" && fuller.value === fact.value && fact.detail === undefined;
}

/** Whether a memory states something of what the fact is about: the same attribute, or the same kind of event, of one speaker. */
function statesTheSame(memory: Fact, fact: Fact): boolean {
  if (memory.speaker !== fact.speaker || memory.type === "ended") return false;
  if (memory.type === "event") return fact.type === "event" && memory.event === fact.event;
  return fact.type !== "event" && memory.attribute === fact.attribute;
}
