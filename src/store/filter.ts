import { isDeepStrictEqual } from "node:util";
import { UsageError } from "../errors.js";

/**
 * A LangGraph search filter: field → value, field → { $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin }, or field → an object
 * of such conditions on the fields below it.
 */
export type StoreFilter = Readonly<Record<string, unknown>>;

const COMPARISONS: Readonly<Record<string, (found: unknown, wanted: unknown) => boolean>> = {
  $eq: (found, wanted) => isDeepStrictEqual(found, wanted),
  $ne: (found, wanted) => !isDeepStrictEqual(found, wanted),
  $gt: (found, wanted) => Number(found) > Number(wanted),
  $gte: (found, wanted) => Number(found) >= Number(wanted),
  $lt: (found, wanted) => Number(found) < Number(wanted),
  $lte: (found, wanted) => Number(found) <= Number(wanted),
  $in: (found, wanted) => Array.isArray(wanted) && wanted.includes(found),
  $nin: (found, wanted) => !Array.isArray(wanted) || !wanted.includes(found),
};

/** @throws UsageError for an operator that is not known, or one that stands beside plain fields. */
export function checkFilter(filter: StoreFilter | undefined, path: readonly string[] = []): void {
  for (const [field, wanted] of Object.entries(filter ?? {})) {
    const where = [...path, field];
    if (Array.isArray(wanted)) checkFilter({ ...(wanted as unknown[]) }, where);
    if (!isObject(wanted)) continue;
    const names = Object.keys(wanted);
    const unknown = names.find((name) => name.startsWith("$") && !Object.hasOwn(COMPARISONS, name));
    if (unknown !== undefined) throw invalid(where, Object.keys(COMPARISONS).join(", "), unknown);
    if (!isOperators(wanted)) checkFilter(wanted, where);
    else if (names.some((name) => !name.startsWith("$"))) throw invalid(where, "operators only", names.join(", "));
  }
}

function invalid(path: readonly string[], expected: string, found: string): UsageError {
  return new UsageError({
    what: "the filter has an operator that cannot be used",
    where: `filter.${path.join(".")}`,
    expected,
    found,
    remedy: "use one of the operators, or filter the results",
  });
}

/**
 * Whether every field of the filter holds for the value: scalars and operators compare as in LangGraph's InMemoryStore,
 * objects and arrays by what they hold, as in the InMemoryStore of LangGraph for Python.
 */
export function matchesFilter(value: StoreFilter, filter: StoreFilter | undefined): boolean {
  return Object.entries(filter ?? {}).every(([field, wanted]) => matches(own(value, field), wanted));
}

function matches(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(found) || found.length !== wanted.length) return false;
    return wanted.every((element, at) => matches(found[at], element));
  }
  if (!isObject(wanted)) return found === wanted;
  if (isOperators(wanted)) return Object.entries(wanted).every(([name, operand]) => COMPARISONS[name]!(found, operand));
  return isObject(found) && matchesFilter(found, wanted);
}

/** The top-level values that the filter demands by equality and that have only one form in JSON, by field. */
export function equalities(
  filter: StoreFilter | undefined,
): [field: string, value: string | number | boolean | null][] {
  return Object.entries(filter ?? {}).flatMap(([field, wanted]) => {
    const equal = isObject(wanted) && Object.hasOwn(wanted, "$eq") ? wanted.$eq : wanted;
    return isScalar(equal) ? [[field, equal] as [string, string | number | boolean | null]] : [];
  });
}

export function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

function isObject(value: unknown): value is StoreFilter {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOperators(wanted: StoreFilter): boolean {
  return Object.keys(wanted).some((name) => name.startsWith("$"));
}

function own(value: StoreFilter, field: string): unknown {
  return Object.hasOwn(value, field) ? value[field] : undefined;
}
