import type { Dim } from "../onnx/dimension.js";
import * as o from "../onnx/operators.js";
import { scalar, type Value } from "../onnx/value.js";
import * as a from "./attention.js";
import { EXTRA_COLUMNS, type ExtraColumns, spread, widen } from "./extra-columns.js";

/** Attention of one layer over packed rows: B·P of prompts, then B·G·R of responses. */
export interface GroupAttention {
  readonly counts: a.HeadCounts;
  /** [P, P] */
  readonly promptMask: Value;
  readonly masks: a.ResponseMasks;
  /** What the runtime's own kernels take; undefined for plain products. */
  readonly fused: FusedAttention | undefined;
}

export interface FusedAttention {
  /** int32 [B]: P - 1 each. */
  readonly lengths: Value;
  /** int32: P. */
  readonly total: Value;
  readonly columns: ExtraColumns;
  readonly promptBlocks: readonly PromptBlock[];
}

/** Rows of every prompt that the backward pass takes at once, with the mask [rows, tokens up to the block's end] of what they see. */
export interface PromptBlock {
  readonly rows: Dim;
  readonly mask: Value;
}

/** A prompt's tokens see no later ones: of so many blocks of rows, each leaves out the products with the blocks after it. */
export const PROMPT_BLOCKS = 4;

const shape: a.ResponseShape = { batch: "B", group: "G", rows: "R" };
const parts = ["B*P", "B*G*R"] as const;

/**
 * Prompt tokens attend to their prompt; response tokens to their prompt, computed once for the group, and to themselves.
 * Attention's weights are the only activations that grow with the square of the length: none is kept, the backward pass computes them again.
 */
export function attendInGroups({ queries, keys, values }: a.Projections, attention: GroupAttention): Value {
  const output = forward([queries, keys, values], attention);
  return o.customGradient([queries, keys, values], [output], (inputs, [y], [g]) => {
    if (g === undefined) return [];
    return backward(
      inputs.map((x) => o.after(x, g)),
      y!,
      g,
      attention,
    );
  })[0]!;
}

function split(x: Value): readonly [Value, Value] {
  const [prompt, response] = o.split(x, parts, 0);
  return [prompt!, response!];
}

function heads(keys: Value, values: Value, counts: a.HeadCounts) {
  const [promptKeys, responseKeys] = split(keys);
  const [promptValues, responseValues] = split(values);
  return {
    context: {
      keys: a.promptHeads(promptKeys, "B", "P", counts),
      values: a.promptHeads(promptValues, "B", "P", counts),
    },
    own: {
      keys: a.responseHeads(responseKeys, "B", "G", "R", counts),
      values: a.responseHeads(responseValues, "B", "G", "R", counts),
    },
  };
}

function forward([queries, keys, values]: readonly [Value, Value, Value], attention: GroupAttention): Value {
  const { counts, promptMask, masks, fused } = attention;
  const [fromPromptRows, fromResponseRows] = split(queries);
  const { context, own } = heads(keys, values, counts);
  const prompt =
    fused === undefined
      ? a.attendWithinPrompt(fromPromptRows, context, promptMask, "B", counts)
      : attendFused(fromPromptRows, split(keys)[0], split(values)[0], fused, counts);
  const response =
    fused === undefined
      ? a.attendFromResponse(fromResponseRows, context, own, masks, shape, counts)
      : respondFused(fromResponseRows, context, split(keys)[1], split(values)[1], fused.columns, counts);
  return o.concat([prompt, response], 0);
}

function attendFused(
  queries: Value,
  keys: Value,
  values: Value,
  { lengths, total }: { readonly lengths: Value; readonly total: Value },
  counts: a.HeadCounts,
): Value {
  const sequence = (x: Value) => o.reshape(x, ["B", "P", x.shape[1]!]);
  const mixed = o.causalAttention(sequence(queries), sequence(keys), sequence(values), lengths, total, counts);
  return o.reshape(mixed, queries.shape);
}

/** One kernel for all responses: each has the prompt's keys and values for its past, whose padding is hidden by the extra columns. */
function respondFused(
  queries: Value,
  context: a.KeyValues,
  keys: Value,
  values: Value,
  columns: ExtraColumns,
  counts: a.HeadCounts,
): Value {
  const { heads, keyValueHeads, headSize } = counts;
  const width = headSize + EXTRA_COLUMNS;
  const rows = (x: Value, number: number, extra: Value) =>
    o.reshape(widen(o.reshape(x, ["B*G*R", number, headSize]), extra), ["B*G", "R", number * width]);
  const past = (x: Value, extra: Value) => {
    const one = o.reshape(widen(x, extra), ["B", 1, keyValueHeads, "P", width]);
    return o.reshape(o.expand(one, ["B", "G", keyValueHeads, "P", width]), ["B*G", keyValueHeads, "P", width]);
  };
  const mixed = o.continuedAttention(
    rows(queries, heads, columns.one),
    { keys: rows(keys, keyValueHeads, columns.none), values: rows(values, keyValueHeads, columns.none) },
    { keys: past(context.keys, columns.hidden), values: past(context.values, columns.none) },
    counts,
  );
  const [own] = o.split(o.reshape(mixed, ["B*G*R", heads, width]), [headSize, EXTRA_COLUMNS], -1);
  return o.reshape(own!, queries.shape);
}

/**
 * With S = softmax weights, O = S V and δ = Σ dO ∘ O per row: dS = S ∘ (dO Vᵀ − δ), dQ = α dS K, dK = α dSᵀ Q, dV = Sᵀ dO
 * (FlashAttention, Dao et al. 2022, algorithm 4): δ from the output saves two passes over the weights.
 */
function backward(
  [queries, keys, values]: readonly Value[],
  output: Value,
  gradient: Value,
  { counts, promptMask, masks, fused }: GroupAttention,
): readonly Value[] {
  const alpha = counts.headSize ** -0.5;
  const [promptQuery, responseQuery] = split(queries!);
  const [promptGradient, responseGradient] = split(gradient);
  const [promptOutput, responseOutput] = split(output);
  const { context, own } = heads(keys!, values!, counts);

  const columns = fused?.columns;
  const prompt = promptBackward(
    { queries: promptQuery, gradient: promptGradient, output: promptOutput },
    context,
    fused?.promptBlocks ?? [{ rows: "P", mask: promptMask }],
    columns,
    counts,
  );

  const rq = a.responseQueries(responseQuery, shape, counts);
  const rg = a.responseQueries(responseGradient, shape, counts);
  const rDelta = rowSums(rg, a.responseQueries(responseOutput, shape, counts));
  const seen =
    columns === undefined
      ? a.contextScores(rq, context.keys, masks.context, counts)
      : o.matmul(widen(rq, columns.one), widen(context.keys, columns.hidden), { transposeB: true, alpha });
  const [onContext, onOwn] = a.responseWeights(rq, seen, own.keys, masks.own, shape, counts);
  const each = (x: Value) => a.perResponse(x, shape, counts);
  const contextScores = throughSoftmax(onContext, rg, context.values, rDelta, columns);
  const ownScores = throughSoftmax(each(onOwn), each(rg), own.values, each(rDelta), columns);

  const fromOwn = o.matmul(ownScores, own.keys, { alpha });
  const drq = o.add(o.matmul(contextScores, context.keys, { alpha }), o.reshape(fromOwn, rq.shape));
  const transposed = { transposeA: true };
  const dk = o.add(prompt.keys, o.matmul(contextScores, rq, { ...transposed, alpha }));
  const dv = o.add(prompt.values, o.matmul(onContext, rg, transposed));
  const dok = o.matmul(ownScores, each(rq), { ...transposed, alpha });
  const dov = o.matmul(each(onOwn), each(rg), transposed);
  return [
    o.concat([prompt.queries, a.responseQueryRows(drq, shape, counts)], 0),
    o.concat([a.promptRows(dk), a.responseRows(dok)], 0),
    o.concat([a.promptRows(dv), a.responseRows(dov)], 0),
  ];
}

/**
 * The prompt's share of the gradients, block of rows by block: queries [B·P, heads · headSize], keys and values [B, keyValueHeads, P, headSize].
 * Each block's products stop at its last row's own token.
 */
function promptBackward(
  rows: { readonly queries: Value; readonly gradient: Value; readonly output: Value },
  context: a.KeyValues,
  blocks: readonly PromptBlock[],
  columns: ExtraColumns | undefined,
  counts: a.HeadCounts,
): a.Projections {
  const alpha = counts.headSize ** -0.5;
  const lengths = blocks.map((block) => block.rows);
  const cut = (x: Value) => o.split(o.reshape(x, ["B", "P", x.shape[1]!]), lengths, 1);
  const [queries, gradients, outputs] = [cut(rows.queries), cut(rows.gradient), cut(rows.output)];
  const [keys, values] = [o.split(context.keys, lengths, 2), o.split(context.values, lengths, 2)];
  const results: Value[] = [];
  let seen: { readonly keys: Value; readonly values: Value } | undefined;
  blocks.forEach(({ rows: length, mask }, i) => {
    const inHeads = (x: Value) => a.promptQueries(x, "B", length, counts);
    const [q, g] = [inHeads(queries[i]!), inHeads(gradients[i]!)];
    const [k, v] = [o.concat(keys.slice(0, i + 1), 2), o.concat(values.slice(0, i + 1), 2)];
    const weights = a.promptWeights(q, k, mask, counts);
    const scores = throughSoftmax(weights, g, v, rowSums(g, inHeads(outputs[i]!)), columns);
    const fromQueries = o.matmul(scores, k, { alpha });
    results.push(o.reshape(a.promptQueryRows(fromQueries, "B", length, counts), queries[i]!.shape));
    const own = {
      keys: o.matmul(scores, q, { transposeA: true, alpha }),
      values: o.matmul(weights, g, { transposeA: true }),
    };
    const none = (x: Value) => o.expand(scalar(0, x.dtype), x.shape);
    const added = (sum: Value, more: Value, last: Value) => o.add(o.concat([sum, none(last)], 2), more);
    seen =
      seen === undefined
        ? own
        : { keys: added(seen.keys, own.keys, keys[i]!), values: added(seen.values, own.values, values[i]!) };
  });
  return { queries: o.reshape(o.concat(results, 1), rows.queries.shape), keys: seen!.keys, values: seen!.values };
}

const rowSums = (x: Value, y: Value): Value => o.reduceSum(o.mul(x, y), [-1], true);

/** dS = S ∘ (dO Vᵀ − δ); with extra columns the product subtracts δ itself. */
function throughSoftmax(
  weights: Value,
  gradient: Value,
  values: Value,
  delta: Value,
  columns: ExtraColumns | undefined,
): Value {
  if (columns === undefined) {
    return o.mul(weights, o.sub(o.matmul(gradient, values, { transposeB: true }), delta));
  }
  const shifted = o.concat([gradient, o.neg(delta), spread(columns.rest, gradient)], -1);
  return o.mul(weights, o.matmul(shifted, widen(values, columns.one), { transposeB: true }));
}
