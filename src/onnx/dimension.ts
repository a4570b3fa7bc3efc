/**
 * A tensor's extent along one axis: a number, or a polynomial with natural coefficients over named dimensions that are
 * known only when the graph runs, in canonical text such as "B*G*R+B*P".
 */
export type Dim = number | string;
export type Shape = readonly Dim[];

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

function printDim(terms: Polynomial): Dim {
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
