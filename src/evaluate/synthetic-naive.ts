import type { Operation } from "../memory/operation.js";
import type { Random } from "../random.js";
import { type Fact, factText } from "./synthetic-facts.js";

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

/** Probabilities by which the base model manages memory: it speaks the format and mostly adds. */
export const naiveHabits: Habits = {
  new: { ADD: 0.85, NOOP: 0.1, UPDATE: 0.05 },
  change: { ADD: 0.6, UPDATE: 0.22, NOOP: 0.1, DELETE: 0.08 },
  retraction: { NOOP: 0.45, ADD: 0.3, DELETE: 0.2, UPDATE: 0.05 },
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

/** One operation per fact. `shown[i]` has the alias `m{i+1}`; no memory is changed twice. */
export function decide(
  random: Random,
  facts: readonly Fact[],
  shown: readonly KnownMemory[],
  habits: Habits,
): Operation[] {
  const used = new Set<number>();
  return facts.map((fact) => {
    const text = factText(fact);
    const free = shown.map((_, i) => i).filter((i) => !used.has(i));
    const related = free.filter((i) => sameSubject(shown[i]!.fact, fact));
    const target =
      newest(
        related.filter((i) => shown[i]!.fact.type === "state"),
        shown,
      ) ?? newest(related, shown);
    const choice = random.weighted(
      possible(
        habits[
          relationOf(
            fact,
            related.map((i) => shown[i]!.fact),
          )
        ],
        target,
        free,
      ),
    );
    switch (choice) {
      case "ADD":
        return { event: "ADD", text };
      case "NOOP":
        return { event: "NOOP" };
      case "DELETE":
      case "UPDATE": {
        // Only a new fact has no memory of its own: a careless update then hits any of those shown.
        const at = target ?? random.pick(free);
        used.add(at);
        const id = `m${at + 1}`;
        return choice === "DELETE" ? { event: "DELETE", id } : { event: "UPDATE", id, text };
      }
      default:
        return choice satisfies never;
    }
  });
}

function possible(
  weights: Readonly<Partial<Record<Choice, number>>>,
  target: number | undefined,
  free: readonly number[],
): Partial<Record<Choice, number>> {
  const { DELETE = 0, UPDATE = 0, ADD = 0, NOOP = 0 } = weights;
  const without = { ADD, NOOP, UPDATE: free.length === 0 ? 0 : UPDATE, DELETE: target === undefined ? 0 : DELETE };
  const total = without.ADD + without.NOOP + without.UPDATE + without.DELETE;
  // Who wants to delete what is not there has nothing to do.
  return total > 0 ? without : { NOOP: 1 };
}

function relationOf(fact: Fact, related: readonly Fact[]): Relation {
  const text = factText(fact);
  if (related.some((other) => factText(other) === text || refines(other, fact))) return "repetition";
  if (fact.type === "ended") return "retraction";
  return related.length === 0 ? "new" : "change";
}

/** Whether `fuller` says all that `fact` says, and a detail more. */
function refines(fuller: Fact, fact: Fact): boolean {
  return fuller.type === "state" && fact.type === "state" && fuller.value === fact.value && fact.detail === undefined;
}

/** Whether two facts are about the same attribute of the same speaker, or are the same event. */
export function sameSubject(a: Fact, b: Fact): boolean {
  if (a.speaker !== b.speaker) return false;
  if (a.type === "event" || b.type === "event") {
    return a.type === "event" && b.type === "event" && a.event === b.event && a.value === b.value;
  }
  return a.attribute === b.attribute;
}

function newest(indices: readonly number[], shown: readonly KnownMemory[]): number | undefined {
  return indices.toSorted((a, b) => shown[b]!.order - shown[a]!.order)[0];
}
