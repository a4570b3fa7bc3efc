import { normaliseForLocomo } from "./normalise.js";
import { porterStem } from "./porter-stem.js";

/** Words by which a model says that it does not know: the answers that LoCoMo's category 5 wants. */
const refusals = ["no information available", "not mentioned"];

/**
 * Token F1 of LoCoMo's evaluation: over Porter stems, without articles and "and".
 * Category "1" (multi-hop) compares each comma-separated gold with its best match, "3" takes the gold up to the first
 * semicolon, and "5" (adversarial) wants a refusal.
 */
export function locomoF1(prediction: string, gold: string, category?: string): number {
  switch (category) {
    case "1": {
      const said = prediction.split(",");
      const best = gold.split(",").map((wanted) => Math.max(...said.map((part) => stemF1(part, wanted))));
      return best.reduce((sum, value) => sum + value, 0) / best.length;
    }
    case "3":
      return stemF1(prediction, gold.split(";")[0] ?? "");
    case "5":
      return refusals.some((refusal) => prediction.toLowerCase().includes(refusal)) ? 1 : 0;
    default:
      return stemF1(prediction, gold);
  }
}

function stemF1(prediction: string, gold: string): number {
  const said = stems(prediction);
  const wanted = stems(gold);
  const left = new Map<string, number>();
  for (const stem of wanted) left.set(stem, (left.get(stem) ?? 0) + 1);
  let common = 0;
  for (const stem of said) {
    const count = left.get(stem) ?? 0;
    if (count === 0) continue;
    left.set(stem, count - 1);
    common++;
  }
  return f1(common, said.length, wanted.length);
}

function stems(text: string): string[] {
  const normal = normaliseForLocomo(text);
  return normal === "" ? [] : normal.split(" ").map(porterStem);
}

/** mem0's F1: overlap of the sets of words, without stemming; only `. , ! ?` part words. */
export function mem0F1(prediction: string, gold: string): number {
  const said = wordSet(prediction);
  const wanted = wordSet(gold);
  const common = [...said].filter((word) => wanted.has(word)).length;
  return f1(common, said.size, wanted.size);
}

function wordSet(text: string): Set<string> {
  return new Set(
    text
      .toLowerCase()
      .split(/[\s.,!?]+/)
      .filter((word) => word !== ""),
  );
}

function f1(common: number, said: number, wanted: number): number {
  if (common === 0) return 0;
  const precision = common / said;
  const recall = common / wanted;
  return (2 * precision * recall) / (precision + recall);
}
