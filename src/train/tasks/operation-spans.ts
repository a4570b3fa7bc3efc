import { mean } from "../../mean.js";
import type { Operation } from "../../memory/bank/operation.js";
import type { ChatTokenizer } from "../../model/checkpoint/tokenizer.js";
import type { SpanCredit } from "../rollout.js";

/** From the first to before the last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

interface Decided {
  readonly text: string;
  readonly operations: readonly Operation[];
}

/**
 * What each changing operation of a response earned beyond the mean of them, at its tokens. None where there is only one, or where the
 * operations cannot be told apart in the text: they all earn the mean then.
 * @param credits of the operations that change something, in their order.
 */
export function creditSpans(
  tokenizer: Pick<ChatTokenizer, "decode">,
  ids: readonly number[],
  { text, operations }: Decided,
  credits: readonly number[],
): SpanCredit[] {
  const spans = operationSpans(text);
  if (credits.length < 2 || spans.length !== operations.length) return [];
  const changing = spans.filter((_, at) => operations[at]!.event !== "NOOP");
  const average = mean(credits);
  return changing.map((span, at) => ({ ...tokenSpan(tokenizer, ids, span), credit: credits[at]! - average }));
}

/** Where each operation's JSON object stands in a manager's text, in their order: places of UTF-16 code units. */
export function operationSpans(text: string): Span[] {
  // As operations are read: what a reasoning block says does not count.
  const begin = text.lastIndexOf("</think>") + 1;
  const list = /"(operations|memory)"\s*:\s*\[/.exec(text.slice(begin));
  if (list === null) return [];
  const spans: Span[] = [];
  let depth = 0;
  let from = 0;
  let quoted = false;
  for (let i = begin + list.index + list[0].length; i < text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char === "\\") i++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" && depth++ === 0) from = i;
    else if (char === "}" && --depth === 0) spans.push({ from, to: i + 1 });
    else if (char === "]" && depth === 0) break;
  }
  return spans;
}

/** The tokens that a span of a response's text is made of; at its ends a token may also hold what stands beside it. */
export function tokenSpan({ decode }: Pick<ChatTokenizer, "decode">, ids: readonly number[], { from, to }: Span): Span {
  const first = tokensUntil(decode, ids, from + 1) - 1;
  return { from: first, to: tokensUntil(decode, ids, to) };
}

/** Fewest of the first tokens whose text is this long. */
function tokensUntil(decode: ChatTokenizer["decode"], ids: readonly number[], length: number): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (decode(ids.slice(0, middle), { skipSpecial: true }).length < length) low = middle + 1;
    else high = middle;
  }
  return low;
}
