/**
 * The texts that a LangGraph index path selects in a stored value, in order.
 * Paths: "$" (the whole value as JSON), "a.b", "list[0]", "list[-1]", "list[*].name", "*", "{a,b.c}".
 */
export function textsAt(value: unknown, path: string): string[] {
  return path === "" || path === "$" ? [JSON.stringify(value, null, 2)] : select(value, tokenize(path));
}

function tokenize(path: string): string[] {
  return path.match(/\[[^\]]*\]?|\{[^}]*\}?|[^.[{]+/g) ?? [];
}

function select(value: unknown, [token, ...rest]: readonly string[]): string[] {
  if (token === undefined) return asText(value);
  return children(value, token).flatMap((child) => select(child, rest));
}

function children(value: unknown, token: string): unknown[] {
  if (token.startsWith("{")) {
    const paths = token.replace(/^\{|\}$/g, "").split(",");
    return paths.flatMap((path) => nested(value, tokenize(path.trim())));
  }
  if (token.startsWith("[")) {
    if (!Array.isArray(value)) return [];
    const index = token.replace(/^\[|\]$/g, "");
    if (index === "*") return value;
    return /^-?\d+$/.test(index) ? [value.at(Number(index))] : [];
  }
  if (token === "*") return typeof value === "object" && value !== null ? Object.values(value) : [];
  return nested(value, [token]);
}

function nested(value: unknown, names: readonly string[]): unknown[] {
  let current = value;
  for (const name of names) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, name)) return [];
    current = (current as Record<string, unknown>)[name];
  }
  return [current];
}

function asText(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (typeof value === "object") return [JSON.stringify(value, null, 2)];
  return [String(value)];
}
