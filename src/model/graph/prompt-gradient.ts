import { addDims, type Dim, multiplyDims } from "../../onnx/dimension.js";
import * as o from "../../onnx/operators.js";
import { scalar, type Value } from "../../onnx/value.js";
import * as a from "./attention.js";
import { type ExtraColumns, lessDelta, widen } from "./extra-columns.js";

/** Rows of every prompt that the backward pass takes at once, with the mask [rows, tokens up to the block's end] of what they see. */
export interface PromptBlock {
  readonly rows: Dim;
  readonly mask: Value;
}

/** A prompt's tokens see no later ones: of so many blocks of rows, each leaves out the products with the blocks after it. */
export const PROMPT_BLOCKS = 4;

/** Queries and gradients of attention's output [rows, heads · headSize]; δ [rows, heads], each row's Σ dO ∘ O. */
export interface AttendedRows {
  readonly queries: Value;
  readonly gradients: Value;
  readonly deltas: Value;
}

/**
 * Attention's gradient within prompts, block of rows by block: of queries [B·P, heads · headSize], of keys and values
 * [B, keyValueHeads, P, headSize]. With S = softmax weights and δ from the output: dS = S ∘ (dO Vᵀ − δ), dQ = α dS K, dK = α dSᵀ Q,
 * dV = Sᵀ dO (FlashAttention, Dao et al. 2022, algorithm 4). Each block's products stop at its last row's own token.
 */
export function promptGradient(
  rows: AttendedRows,
  context: a.KeyValues,
  blocks: readonly PromptBlock[],
  columns: ExtraColumns,
  counts: a.HeadCounts,
): a.Projections {
  const { heads, keyValueHeads, headSize } = counts;
  const [alpha, shared] = [headSize ** -0.5, heads / keyValueHeads];
  const lengths = blocks.map((block) => block.rows);
  const perHead = (length: Dim, width: Dim): Dim[] => ["B", keyValueHeads, shared, length, width];
  const inHeads = (x: Value, width: number) => {
    const turned = a.promptQueries(x, "B", "P", { heads, keyValueHeads, headSize: width });
    return o.reshape(turned, perHead("P", width));
  };
  const cut = (x: Value) =>
    o
      .split(x, lengths, 3)
      .map((part, i) => o.reshape(part, ["B", keyValueHeads, multiplyDims(shared, lengths[i]!), x.shape[4]!]));
  const gradients = inHeads(rows.gradients, headSize);
  const [q, g] = [cut(inHeads(rows.queries, headSize)), cut(gradients)];
  const shifted = cut(lessDelta(gradients, inHeads(rows.deltas, 1), columns));
  const values = widen(context.values, columns.minusOne);
  const upTo = (x: Value, i: number) => {
    const [seen, later] = [lengths.slice(0, i + 1), lengths.slice(i + 1)];
    return later.length === 0 ? x : o.part(x, [addDims(...seen), addDims(...later)], 2, 0);
  };
  const results = blocks.map(({ mask }, i) => {
    const keys = upTo(context.keys, i);
    const weights = a.promptWeights(q[i]!, keys, mask, counts);
    const scores = o.mul(weights, o.matmul(shifted[i]!, upTo(values, i), { transposeB: true }));
    return {
      queries: o.reshape(o.matmul(scores, keys, { alpha }), perHead(lengths[i]!, headSize)),
      keys: o.matmul(scores, q[i]!, { transposeA: true, alpha }),
      values: o.matmul(weights, g[i]!, { transposeA: true }),
    };
  });
  const onQueries = o.concat(
    results.map(({ queries }) => queries),
    3,
  );
  const total = (part: "keys" | "values") => results.map((result) => result[part]).reduce(addLonger);
  return {
    queries: a.promptQueryRows(onQueries, "B", "P", counts),
    keys: total("keys"),
    values: total("values"),
  };

  /** The sum over one block's tokens, then over those up to the next block's end. */
  function addLonger(sum: Value, longer: Value, i: number): Value {
    const rest = [...sum.shape.slice(0, 2), lengths[i]!, sum.shape[3]!];
    return o.add(o.concat([sum, o.expand(scalar(0, sum.dtype), rest)], 2), longer);
  }
}
