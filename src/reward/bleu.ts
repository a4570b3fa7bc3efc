import { wordTokens } from "./word-tokens.js";

/**
 * BLEU-1 as mem0 computes it with nltk: clipped unigram precision times the brevity penalty, over lower-case tokens.
 * nltk's smoothing method 1 changes nothing here: without a common unigram nltk answers 0 before it smooths.
 */
export function bleu1(prediction: string, gold: string): number {
  const said = wordTokens(prediction.toLowerCase());
  const wanted = wordTokens(gold.toLowerCase());
  if (said.length === 0 || wanted.length === 0) return 0;
  const left = new Map<string, number>();
  for (const token of wanted) left.set(token, (left.get(token) ?? 0) + 1);
  let common = 0;
  for (const token of said) {
    const count = left.get(token) ?? 0;
    if (count > 0) common++;
    left.set(token, count - 1);
  }
  const brevity = said.length >= wanted.length ? 1 : Math.exp(1 - wanted.length / said.length);
  return brevity * (common / said.length);
}
