/**
 * A tensor's extent along one axis: a number, or a polynomial with natural coefficients over named dimensions that are
 * known only when the graph runs, in canonical text such as "B*G*R+B*P".
 */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** A named dimension cut into `count` shares that are equal but for rounding: together they are the dimension again. */
export function sharesOf(name: string, count: number): readonly string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, i) => shareName(name, i, count));
}

const shareName = (name: string, index: number, count: number): string => `${name}@${index}/${count}`;

/** What a share is a share of; undefined where a name is none. */
export function parseShare(
  name: string,
): { readonly whole: string; readonly index: number; readonly count: number } | undefined {
  const [, whole, index, count] = /^(\w+)@(\d+)\/(\d+)$/.exec(name) ?? [];
  return whole === undefined ? undefined : { whole, index: Number(index), count: Number(count) };
}

/** Monomial (sorted names joined by "*", "" for the constant) to coefficient. */
type Polynomial = Map<string, number>;

export function parseDim(dim: Dim): Polynomial {
  if (typeof dim === "number") return new Map(dim === 0 ? [] : [["", dim]]);
  const terms: Polynomial = new Map();
  for (const term of dim.split("+")) {
    let coefficient = 1;
    const names: string[] = [];
    for (const factor of term.split("*")) {
      if (/^\d+$/.test(factor)) coefficient *= Number(factor);
      else names.push(factor);
    }
    const monomial = names.sort().join("*");
    terms.set(monomial, (terms.get(monomial) ?? 0) + coefficient);
  }
  return terms;
}

/** Puts the shares of a dimension that are all there together again. */
function joinShares(terms: Polynomial): Polynomial {
  const joined = new Map(terms);
  for (const monomial of terms.keys()) {
    const names = monomial.split("*");
    const at = names.findIndex((name) => parseShare(name)?.index === 0);
    if (at < 0) continue;
    const { whole, count } = parseShare(names[at]!)!;
    const replaced = (name: string) => names.with(at, name).sort().join("*");
    const siblings = sharesOf(whole, count).map(replaced);
    const common = Math.min(...siblings.map((sibling) => joined.get(sibling) ?? 0));
    if (common === 0) continue;
    for (const sibling of siblings) joined.set(sibling, joined.get(sibling)! - common);
    joined.set(replaced(whole), (joined.get(replaced(whole)) ?? 0) + common);
  }
  return joined;
}

function printDim(unjoined: Polynomial): Dim {
  const terms = [...unjoined.keys()].some((monomial) => monomial.includes("@")) ? joinShares(unjoined) : unjoined;
  const entries = [...terms].filter(([, c]) => c !== 0).sort(([a], [b]) => (a < b ? 1 : -1));
  if (entries.length === 0) return 0;
  if (entries.length === 1 && entries[0]![0] === "") return entries[0]![1];
  return entries.map(([m, c]) => (m === "" ? String(c) : c === 1 ? m : `${c}*${m}`)).join("+");
}

export function addDims(...dims: readonly Dim[]): Dim {
  const sum: Polynomial = new Map();
  for (const dim of dims) for (const [m, c] of parseDim(dim)) sum.set(m, (sum.get(m) ?? 0) + c);
  return printDim(sum);
}

export function multiplyDims(...dims: readonly Dim[]): Dim {
  let product: Polynomial = new Map([["", 1]]);
  for (const dim of dims) {
    const next: Polynomial = new Map();
    for (const [m, c] of product) {
      for (const [n, d] of parseDim(dim)) {
        const monomial = [...m.split("*"), ...n.split("*")].filter(Boolean).sort().join("*");
        next.set(monomial, (next.get(monomial) ?? 0) + c * d);
      }
    }
    product = next;
  }
  return printDim(product);
}

/** A name that divides every one of the dimensions; undefined where none does. */
export function commonFactor(dims: readonly Dim[]): string | undefined {
  const [first, ...others] = dims.flatMap((dim) => [...parseDim(dim).keys()].map((monomial) => monomial.split("*")));
  return first?.find((name) => name !== "" && others.every((names) => names.includes(name)));
}

/** The same dimension in canonical text, so that equal dimensions are equal strings. */
export function canonical(dim: Dim): Dim {
  return printDim(parseDim(dim));
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

export function printShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
