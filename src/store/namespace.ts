import type { ListNamespacesOperation, MatchCondition } from "@langchain/langgraph";
import { UsageError } from "../errors.js";

export type Namespace = readonly string[];

/**
 * Checks the labels as LangGraph's stores do in `batch`; `put` alone refuses the root "langgraph".
 * @throws UsageError for an empty namespace, a reserved root, and for a label that is empty, no string, contains ".", ":" or NUL, or is
 * "__proto__", by which a store that keeps items in plain objects would reach into every object.
 */
export function checkNamespace(namespace: Namespace, { allowEmpty = false, allowReservedRoot = true } = {}): void {
  if (namespace.length === 0 && !allowEmpty) throw invalid(namespace, "at least one label", "an empty namespace");
  if (namespace[0] === "langgraph" && !allowReservedRoot) throw invalid(namespace, "another root", "a reserved one");
  for (const label of namespace) {
    if (typeof label !== "string") throw invalid(namespace, "labels that are strings", typeof label);
    if (label === "") throw invalid(namespace, "labels that are not empty", "an empty label");
    if (label === "__proto__") throw invalid(namespace, 'labels other than "__proto__"', label);
    const character = /[.:\0]/.exec(label)?.[0];
    if (character !== undefined)
      throw invalid(namespace, 'labels without ".", ":" and NUL', `${JSON.stringify(character)} in "${label}"`);
  }
}

function invalid(namespace: Namespace, expected: string, found: string): UsageError {
  return new UsageError({
    what: "the namespace is not valid",
    where: JSON.stringify(namespace),
    expected,
    found,
    remedy: "rename the label",
  });
}

/** An id as a label of a namespace, which holds neither "." nor ":". @throws UsageError for half of a surrogate pair. */
export function namespaceLabel(id: string): string {
  try {
    return encodeURIComponent(id).replaceAll(".", "%2E");
  } catch (cause) {
    throw new UsageError({
      what: "an id cannot name a bank",
      expected: "well-formed Unicode",
      found: JSON.stringify(id),
      remedy: "cut ids between characters, not within one",
      cause,
    });
  }
}

/** One string per namespace and key, and no string for two of them. */
export function itemPath(namespace: Namespace, key: string): string {
  return JSON.stringify([namespace, key]);
}

export function startsWith(namespace: Namespace, prefix: Namespace): boolean {
  return prefix.length <= namespace.length && prefix.every((label, at) => namespace[at] === label);
}

/** Cuts, sorts and pages namespaces as `listNamespaces` promises; duplicates are dropped. */
export function listPage(namespaces: Iterable<Namespace>, op: ListNamespacesOperation): string[][] {
  const listed = new Map<string, string[]>();
  for (const namespace of namespaces) {
    if (!(op.matchConditions ?? []).every((condition) => matches(namespace, condition))) continue;
    const cut = namespace.slice(0, op.maxDepth);
    listed.set(cut.join(":"), cut);
  }
  const sorted = [...listed].sort(([left], [right]) => left.localeCompare(right)).map(([, namespace]) => namespace);
  const offset = op.offset ?? 0;
  return sorted.slice(offset, offset + (op.limit ?? sorted.length));
}

function matches(namespace: Namespace, { matchType, path }: MatchCondition): boolean {
  const start = matchType === "prefix" ? 0 : namespace.length - path.length;
  return path.length <= namespace.length && path.every((label, at) => label === "*" || namespace[start + at] === label);
}
