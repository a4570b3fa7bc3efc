import { z } from "zod";
import { parseAs } from "../../json-file.js";

const share = z.number().nullable().default(null);
const intervalSchema = z.tuple([z.number(), z.number()]);
const metricsSchema = z.object({
  questions: z.number(),
  metrics: z.record(z.string(), z.number()),
  intervals: z.record(z.string(), z.object({ questions: intervalSchema })).default({}),
});
const operationsSchema = z.object({ ADD: z.number(), UPDATE: z.number(), DELETE: z.number(), NOOP: z.number() });

/** What the report reads of scores. */
const scoreRowSchema = metricsSchema.extend({
  name: z.string(),
  categories: z.record(z.string(), metricsSchema).default({}),
  conversations: z.number().nullable().default(null),
  bank: z
    .object({ operations: operationsSchema, bankSize: z.number(), managerUnparsable: share })
    .nullable()
    .default(null),
  answererUnparsable: share,
  evidenceRecall: share,
  evidenceSelected: share,
  memoriesShown: z.number().nullable().default(null),
  facts: z.string().nullable().default(null),
});

/** One configuration of agents, or a control. Metrics are in [0, 1]. */
export type ScoreRow = Readonly<z.infer<typeof scoreRowSchema>>;
export type ScoreMetrics = Readonly<z.infer<typeof metricsSchema>>;

/** `EvaluationScores[]`, or their JSON. @throws FileError naming the first field that is wrong. */
export function scoreRows(value: unknown, where: string): ScoreRow[] {
  return parseAs(z.array(scoreRowSchema), value, "the document", {
    what: "the scores have another form",
    where,
    expected: "an array with the scores of each configuration",
    remedy: "pass the file that `memory-r1 evaluate --json` writes",
  });
}
