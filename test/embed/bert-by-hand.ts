/** BERT over one text without padding, in float64 by loops, for the shapes of `writeTinyBert`. */

type Rows = number[][];

const HIDDEN = 8;
const HEADS = 2;
const LAYERS = 2;

/** The mean of the last hidden states, at unit length. */
export function bertVector(weights: ReadonlyMap<string, Float32Array>, ids: readonly number[]): number[] {
  const w = (name: string) => weights.get(name)!;
  const row = (name: string, at: number) => [...w(name).slice(at * HIDDEN, (at + 1) * HIDDEN)];
  const linear = (x: Rows, name: string): Rows => {
    const [matrix, bias] = [w(`${name}.weight`), w(`${name}.bias`)];
    return x.map((v) =>
      Array.from(bias, (b, out) => v.reduce((sum, value, i) => sum + value * matrix[out * v.length + i]!, b)),
    );
  };
  const norm = (x: Rows, name: string): Rows =>
    x.map((v) => {
      const mean = v.reduce((a, b) => a + b, 0) / v.length;
      const deviation = Math.sqrt(v.reduce((sum, value) => sum + (value - mean) ** 2, 0) / v.length + 1e-12);
      return v.map((value, i) => ((value - mean) / deviation) * w(`${name}.weight`)[i]! + w(`${name}.bias`)[i]!);
    });
  const plus = (a: Rows, b: Rows): Rows => a.map((v, t) => v.map((value, i) => value + b[t]![i]!));

  const [types, words, places] = ["token_type", "word", "position"].map(
    (name) => `embeddings.${name}_embeddings.weight`,
  );
  const embedded = ids.map((id, t) =>
    row(words!, id).map((value, i) => value + row(places!, t)[i]! + row(types!, 0)[i]!),
  );
  let x = norm(embedded, "embeddings.LayerNorm");
  for (let layer = 0; layer < LAYERS; layer++) {
    const at = `encoder.layer.${layer}`;
    const [q, k, v] = ["query", "key", "value"].map((part) => linear(x, `${at}.attention.self.${part}`)) as [
      Rows,
      Rows,
      Rows,
    ];
    const mixed = linear(attend(q, k, v), `${at}.attention.output.dense`);
    const middle = norm(plus(x, mixed), `${at}.attention.output.LayerNorm`);
    const wide = linear(middle, `${at}.intermediate.dense`).map((values) => values.map(gelu));
    x = norm(plus(middle, linear(wide, `${at}.output.dense`)), `${at}.output.LayerNorm`);
  }
  const sum = x[0]!.map((_, i) => x.reduce((total, v) => total + v[i]!, 0));
  return sum.map((value) => value / Math.hypot(...sum));
}

function attend(q: Rows, k: Rows, v: Rows): Rows {
  const size = HIDDEN / HEADS;
  return q.map((query) =>
    query.map((_, i) => {
      const from = Math.floor(i / size) * size;
      const scores = k.map((key) => {
        let score = 0;
        for (let j = from; j < from + size; j++) score += query[j]! * key[j]!;
        return Math.exp(score / Math.sqrt(size));
      });
      const total = scores.reduce((a, b) => a + b, 0);
      return scores.reduce((sum, score, t) => sum + (score / total) * v[t]![i]!, 0);
    }),
  );
}

const gelu = (x: number): number => (x * (1 + erf(x / Math.SQRT2))) / 2;

/** By its Taylor series, which is exact enough below 5; beyond, it is 1. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
