import * as o from "../../onnx/operators.js";
import { scalar, type Value } from "../../onnx/value.js";
import * as a from "./attention.js";
import { attentionWidth, EXTRA_COLUMNS, type ExtraColumns, widen } from "./extra-columns.js";
import { type PromptBlock, promptGradient } from "./prompt-gradient.js";
import { type ResponseColumns, responseGradient } from "./response-gradient.js";

/** Attention of one layer over packed rows: B·P of prompts, then B·G·R of responses. */
export interface GroupAttention {
  readonly counts: a.HeadCounts;
  readonly columns: ExtraColumns;
  readonly promptBlocks: readonly PromptBlock[];
  readonly responseColumns: ResponseColumns;
  readonly forward: PlainForward | FusedForward;
}

/** By products. */
export interface PlainForward {
  readonly kind: "plain";
  /** [P, P] */
  readonly promptMask: Value;
  readonly masks: a.ResponseMasks;
}

/** By the runtime's own kernels. */
export interface FusedForward {
  readonly kind: "fused";
  /** int32 [B]: P - 1 each. */
  readonly lengths: Value;
  /** int32: P. */
  readonly total: Value;
}

const shape: a.ResponseShape = { batch: "B", group: "G", rows: "R" };

/**
 * Prompt tokens attend to their prompt; response tokens to their prompt, computed once for the group, and to themselves.
 * Attention's weights are the only activations that grow with the square of the length: none is kept, the backward pass computes them again.
 */
export function attendInGroups({ queries, keys, values }: a.Projections, attention: GroupAttention): Value {
  const { counts } = attention;
  const rows = { queries: split(queries), keys: split(keys), values: split(values) };
  const prompt = attendWithinPrompts(rows, attention);
  const own = { keys: rows.keys.response, values: rows.values.response };
  const response = attendFromResponses(rows.queries.response, prompt.context, own, attention);
  const output = o.concat([prompt.mixed, response], 0);
  return o.customGradient([queries, keys, values], [output], (_, [y], [g]) => {
    if (g === undefined) return [];
    // Of everything that the forward pass has cut and turned already, nothing is cut or turned again.
    const again = (x: Value) => o.after(x, g);
    const context = { keys: again(prompt.context.keys), values: again(prompt.context.values) };
    const perHead = [g.shape[0]!, counts.heads, counts.headSize];
    const deltas = split(o.reduceSum(o.reshape(o.mul(g, y!), perHead), [-1]));
    const gradients = split(g);
    const fromPrompt = promptGradient(
      { queries: again(rows.queries.prompt), gradients: gradients.prompt, deltas: deltas.prompt },
      context,
      attention.promptBlocks,
      attention.columns,
      counts,
    );
    const fromResponse = responseGradient(
      { queries: again(rows.queries.response), gradients: gradients.response, deltas: deltas.response },
      context,
      { keys: responseHeads(again(own.keys), counts), values: responseHeads(again(own.values), counts) },
      attention,
      shape,
    );
    const both = (part: "keys" | "values") => a.promptRows(o.add(fromPrompt[part], fromResponse.context[part]));
    return [
      o.concat([fromPrompt.queries, fromResponse.queries], 0),
      o.concat([both("keys"), a.responseRows(fromResponse.own.keys)], 0),
      o.concat([both("values"), a.responseRows(fromResponse.own.values)], 0),
    ];
  })[0]!;
}

interface Parts {
  readonly prompt: Value;
  readonly response: Value;
}

function split(x: Value): Parts {
  const [prompt, response] = o.split(x, ["B*P", "B*G*R"], 0);
  return { prompt: prompt!, response: response! };
}

const responseHeads = (x: Value, counts: a.HeadCounts): Value => a.responseHeads(x, "B", "G", "R", counts);

function attendWithinPrompts(
  rows: { readonly queries: Parts; readonly keys: Parts; readonly values: Parts },
  { counts, forward }: GroupAttention,
): { readonly mixed: Value; readonly context: a.KeyValues } {
  const queries = rows.queries.prompt;
  if (forward.kind === "plain") {
    const inHeads = ({ prompt }: Parts) => a.promptHeads(prompt, "B", "P", counts);
    const context = { keys: inHeads(rows.keys), values: inHeads(rows.values) };
    return { mixed: a.attendWithinPrompt(queries, context, forward.promptMask, "B", counts), context };
  }
  const sequence = (x: Value) => o.reshape(x, ["B", "P", x.shape[1]!]);
  const { mixed, ...context } = o.causalAttention(
    sequence(queries),
    sequence(rows.keys.prompt),
    sequence(rows.values.prompt),
    forward,
    counts,
  );
  return { mixed: o.reshape(mixed, queries.shape), context };
}

function attendFromResponses(
  queries: Value,
  context: a.KeyValues,
  own: a.KeyValues,
  { counts, columns, forward }: GroupAttention,
): Value {
  if (forward.kind === "fused") return respondFused(queries, context, own, columns, counts);
  const heads = { keys: responseHeads(own.keys, counts), values: responseHeads(own.values, counts) };
  return a.attendFromResponse(queries, context, heads, forward.masks, shape, counts);
}

/** One kernel for all responses: each has the prompt's keys and values for its past, whose padding is hidden by the extra columns. */
function respondFused(
  queries: Value,
  context: a.KeyValues,
  own: a.KeyValues,
  columns: ExtraColumns,
  counts: a.HeadCounts,
): Value {
  const { heads, keyValueHeads, headSize } = counts;
  const width = attentionWidth(headSize);
  const unused = width - headSize - EXTRA_COLUMNS;
  const widened = (x: Value, extra: Value) =>
    unused === 0 ? widen(x, extra) : widen(widen(x, extra), o.expand(scalar(0, x.dtype), [unused]));
  const rows = (x: Value, number: number, extra: Value) =>
    o.reshape(widened(o.reshape(x, ["B*G*R", number, headSize]), extra), ["B*G", "R", number * width]);
  const past = (x: Value, extra: Value) => {
    const one = o.reshape(widened(x, extra), ["B", 1, keyValueHeads, "P", width]);
    return o.reshape(o.expand(one, ["B", "G", keyValueHeads, "P", width]), ["B*G", keyValueHeads, "P", width]);
  };
  const mixed = o.continuedAttention(
    rows(queries, heads, columns.one),
    { keys: rows(own.keys, keyValueHeads, columns.none), values: rows(own.values, keyValueHeads, columns.none) },
    { keys: past(context.keys, columns.hidden), values: past(context.values, columns.none) },
    counts,
  );
  const real = o.part(o.reshape(mixed, ["B*G*R", heads, width]), [headSize, width - headSize], -1, 0);
  return o.reshape(real, queries.shape);
}
