import { normaliseAnswer } from "./normalise.js";

/** 1 where both texts are equal but for case, articles and punctuation; an empty prediction is never right. */
export function exactMatch(prediction: string, gold: string): number {
  const said = normaliseAnswer(prediction);
  const wanted = normaliseAnswer(gold);
  // A gold of nothing but articles and signs ("The A", "!") has no normal form to compare by.
  if (wanted === "") return strictExactMatch(prediction, gold);
  return said === wanted ? 1 : 0;
}

/** mem0's exact match: equal but for case and the space around; 0 where either is empty. */
export function strictExactMatch(prediction: string, gold: string): number {
  if (prediction === "" || gold === "") return 0;
  return prediction.trim().toLowerCase() === gold.trim().toLowerCase() ? 1 : 0;
}
