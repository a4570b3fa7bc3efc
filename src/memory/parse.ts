import { z } from "zod";
import { firstIssue } from "../first-issue.js";
import { type Operation, operationsSchema } from "./bank/operation.js";
import { type JsonReading, readJsonObject } from "./json.js";

/** Most changes that one turn may make, whatever the model asks for. */
const MAX_OPERATIONS = 8;

/** Most facts that are taken from one turn. */
export const MAX_FACTS = 32;

const MAX_REASON = 300;

export type ParsedOperations =
  | { readonly operations: Operation[]; readonly unparsable: null }
  | { readonly operations: []; readonly unparsable: string };

export interface ParsedFacts {
  readonly facts: string[];
  readonly unparsable: string | null;
}

export interface ParsedAnswer {
  /** Aliases that the text names before its answer, as written. */
  readonly selected: string[];
  readonly answer: string;
  readonly unparsable: string | null;
}

const factsSchema = z.object({ facts: z.array(z.string().trim().min(1).max(2000)).max(MAX_FACTS) });

const unreadable = (reason: string) => ({ operations: [] as [], unparsable: reason.slice(0, MAX_REASON) });

export interface ParseOptions {
  /** The turn's facts. An ADD may name one ("f1" is the first) instead of giving a text. Default: none. */
  readonly facts?: readonly string[];
  /** Default: 8, or the number of facts if that is larger. */
  readonly maxOperations?: number | undefined;
}

/**
 * Parses the manager's text. `aliases` are those issued for this turn: a single operation that names any other makes the
 * whole text invalid.
 */
export function parseOperations(
  text: string,
  aliases: readonly string[],
  { facts = [], maxOperations = Math.max(MAX_OPERATIONS, facts.length) }: ParseOptions = {},
): ParsedOperations {
  const json = readJsonObject(text);
  if ("reason" in json) {
    return unreadable(json.reason);
  }
  const told = withFacts(fromMem0(json.value), facts);
  if ("reason" in told) {
    return unreadable(told.reason);
  }
  const parsed = operationsSchema.safeParse(told.value);
  if (!parsed.success) {
    return unreadable(firstIssue(parsed.error, "the object"));
  }
  const problem = checkOperations(parsed.data.operations, aliases, maxOperations);
  return problem === null ? { operations: parsed.data.operations, unparsable: null } : unreadable(problem);
}

/** Why the operations may not be applied; null when they may. */
function checkOperations(
  operations: readonly Operation[],
  aliases: readonly string[],
  maxOperations: number,
): string | null {
  const known = new Set(aliases);
  const changed = new Set<string>();
  let changes = 0;
  for (const operation of operations) {
    if (operation.event !== "ADD" && operation.id !== undefined && !known.has(operation.id)) {
      return `${operation.event} names the unknown memory ${JSON.stringify(operation.id.slice(0, 40))}`;
    }
    if (operation.event === "UPDATE" || operation.event === "DELETE") {
      if (changed.has(operation.id)) {
        return `two operations change ${operation.id}`;
      }
      changed.add(operation.id);
    }
    changes += operation.event === "NOOP" ? 0 : 1;
  }
  return changes > maxOperations ? `${changes} changes, at most ${maxOperations} are allowed` : null;
}

/** Parses the extractor's text. */
export function parseFacts(text: string): ParsedFacts {
  const json = readJsonObject(text);
  if ("reason" in json) {
    return { facts: [], unparsable: json.reason };
  }
  const parsed = factsSchema.safeParse(json.value);
  return parsed.success
    ? { facts: parsed.data.facts, unparsable: null }
    : { facts: [], unparsable: firstIssue(parsed.error, "the object").slice(0, MAX_REASON) };
}

const ANSWER_MARK = /\*\*answer:\*\*/gi;
const MAX_ANSWER = 2000;

/** Parses the answerer's text: `Memories: m1, m3`, then `**Answer:** …`. The last answer counts. */
export function parseAnswer(text: string): ParsedAnswer {
  const mark = [...text.matchAll(ANSWER_MARK)].at(-1);
  if (mark === undefined) {
    return { selected: [], answer: "", unparsable: "no **Answer:**" };
  }
  const start = mark.index + mark[0].length;
  const answer = text
    .slice(start, start + MAX_ANSWER)
    .replace(/\s+/g, " ")
    .trim();
  const before = text.slice(0, mark.index).toLowerCase();
  const list = before.lastIndexOf("memories:");
  const selected = list === -1 ? [] : (before.slice(list).match(/\bm\d{1,6}\b/g) ?? []);
  return { selected: [...new Set(selected)], answer, unparsable: answer === "" ? "empty answer" : null };
}

/** Gives each ADD that names a fact the fact's text. */
function withFacts(value: unknown, facts: readonly string[]): JsonReading {
  const { operations } = value as { operations?: unknown };
  if (!Array.isArray(operations)) {
    return { value };
  }
  const known = new Map(facts.map((text, at) => [factAlias(at), text]));
  const unknown = operations.find((item) => namesFact(item) && !known.has(item.fact));
  if (unknown !== undefined) {
    return { reason: `ADD names the unknown fact ${JSON.stringify(unknown.fact.slice(0, 40))}` };
  }
  return {
    value: { operations: operations.map((item) => (namesFact(item) ? { ...item, text: known.get(item.fact) } : item)) },
  };
}

const namesFact = (item: unknown): item is { readonly fact: string } => {
  const { event, fact, text } = (item ?? {}) as Record<string, unknown>;
  return event === "ADD" && typeof fact === "string" && text === undefined;
};

/** What a manager's model calls the n-th fact of a turn, from 0 on. */
export const factAlias = (at: number): string => `f${at + 1}`;

/** mem0 and Memory-R1 write the same decision as `{"memory": [{"id", "event": "NONE", "text"}]}`. */
function fromMem0(value: unknown): unknown {
  const { memory } = value as { memory?: unknown };
  if (!Array.isArray(memory)) {
    return value;
  }
  return { operations: memory.map((item) => (item?.event === "NONE" ? { ...item, event: "NOOP" } : item)) };
}
