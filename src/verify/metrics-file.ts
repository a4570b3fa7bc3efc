import { z } from "zod";
import { type RewardName, rewards } from "../reward/rewards.js";
import { type Bounds, type Check, compare } from "./check.js";
import { worst } from "./difference.js";

const text = z.union([z.string(), z.number()]).transform(String);
const rowSchema = z.object({
  prediction: text,
  gold: text,
  category: text,
  locomo_f1: z.number(),
  mem0_f1: z.number(),
  bleu1: z.number(),
  exact_match: z.number(),
  /** Sentences that the original tokenizer saw in prediction and gold. */
  sentences: z.array(z.number().int()),
});
export const metricsFileSchema = z.array(rowSchema).min(1);
type Row = z.infer<typeof rowSchema>;

const columns = [
  ["f1", "locomo_f1"],
  ["mem0-f1", "mem0_f1"],
  ["strict-exact-match", "exact_match"],
] as const satisfies readonly (readonly [RewardName, keyof Row])[];

/** Share of texts of several sentences whose ends rules may see elsewhere than the original's trained model does. */
const SENTENCE_SHARE = 0.05;

/** Rewards and metrics beside the original code's values. */
export function* checkMetricsFile(file: string, rows: readonly Row[], bounds: Bounds): Generator<Check> {
  const difference = (name: RewardName, row: Row, expected: number) =>
    Math.abs(rewards[name](row.prediction, row.gold, row.category) - expected);
  const indices = [...rows.keys()];
  const largest = (name: RewardName, column: "locomo_f1" | "mem0_f1" | "exact_match" | "bleu1", among: number[]) => {
    const { error, item } = worst(among, (i) => difference(name, rows[i]!, rows[i]![column]));
    const note = item === undefined ? "no rows" : `row ${item} of ${among.length}`;
    return compare(file, `${name} beside ${column}`, error, bounds.metrics, note);
  };
  for (const [name, column] of columns) yield largest(name, column, indices);
  const several = indices.filter((i) => Math.max(...rows[i]!.sentences) > 1);
  const single = indices.filter((i) => Math.max(...rows[i]!.sentences) <= 1);
  yield { ...largest("bleu1", "bleu1", single), check: "bleu1, texts of one sentence" };
  const wrong = several.filter((i) => !(difference("bleu1", rows[i]!, rows[i]!.bleu1) <= bounds.metrics));
  const share = several.length === 0 ? 0 : wrong.length / several.length;
  const note = `${wrong.length} of ${several.length} rows`;
  yield compare(file, "bleu1, texts of several sentences: share that differs", share, SENTENCE_SHARE, note);
}
