/** A LangGraph search filter: field → value, or field → { $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin }. */
export type Filter = Readonly<Record<string, unknown>>;

const COMPARISONS: Readonly<Record<string, (found: unknown, wanted: unknown) => boolean>> = {
  $eq: (found, wanted) => found === wanted,
  $ne: (found, wanted) => found !== wanted,
  $gt: (found, wanted) => Number(found) > Number(wanted),
  $gte: (found, wanted) => Number(found) >= Number(wanted),
  $lt: (found, wanted) => Number(found) < Number(wanted),
  $lte: (found, wanted) => Number(found) <= Number(wanted),
  $in: (found, wanted) => Array.isArray(wanted) && wanted.includes(found),
  $nin: (found, wanted) => !Array.isArray(wanted) || !wanted.includes(found),
};

/** Whether every field of the filter holds for the value, compared as LangGraph's InMemoryStore compares. */
export function matchesFilter(value: Filter, filter: Filter | undefined): boolean {
  return Object.entries(filter ?? {}).every(([field, wanted]) => {
    const found = value[field];
    const operators = operatorsOf(wanted);
    if (operators === undefined) return found === wanted;
    return operators.every(([name, operand]) => COMPARISONS[name]!(found, operand));
  });
}

/** The values that the filter demands by equality and that have only one form in JSON, by field. */
export function equalities(filter: Filter | undefined): [field: string, value: string | number | boolean | null][] {
  return Object.entries(filter ?? {}).flatMap(([field, wanted]) => {
    const equal = (operatorsOf(wanted) ?? [["$eq", wanted]]).find(([name]) => name === "$eq")?.[1];
    return isScalar(equal) ? [[field, equal] as [string, string | number | boolean | null]] : [];
  });
}

export function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

function operatorsOf(wanted: unknown): [name: string, operand: unknown][] | undefined {
  if (typeof wanted !== "object" || wanted === null) return undefined;
  const entries = Object.entries(wanted);
  return entries.every(([name]) => Object.hasOwn(COMPARISONS, name)) ? entries : undefined;
}
