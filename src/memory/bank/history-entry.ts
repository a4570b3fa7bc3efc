import { z } from "zod";
import { changeSchema } from "../../trace/episode.js";

/** Where a change comes from, as far as the caller knows. */
const provenanceSchema = z.object({
  /** Id of the memory step. The changes of one step are written, recovered and undone together. */
  step: z.string(),
  /** Id of the turn; null if no turn caused the change, as for an undo. */
  turn: z.string().nullable(),
  /** What the turn is part of: a thread, a document, an import. */
  source: z.string().nullable(),
  /** Id of the manager's model call. */
  call: z.string().nullable(),
  /** Version of the policy that decided, if the model reports it. */
  policyVersion: z.string().nullable(),
  /** Probability of the model's whole response: the product over its tokens, if the model reports them. */
  probability: z.number().nullable(),
});

/** One change in the life of a memory. */
export const historyEntrySchema = changeSchema.extend({
  ...provenanceSchema.shape,
  /** `{step}/{index}`. */
  id: z.string(),
  index: z.number(),
  /** Number of changes in its step. */
  of: z.number(),
  /** False until the change is written. What a crash leaves so is completed at the next start. */
  applied: z.boolean(),
  /** ISO 8601. */
  at: z.string(),
  /** Grows with every entry of a bank. */
  sequence: z.number(),
  /** Rewards of its step by name, once they are known. */
  rewards: z.record(z.string(), z.number()),
  /** Ids of the entries that this one undoes. */
  undoes: z.array(z.string()),
});

export type Provenance = z.infer<typeof provenanceSchema>;
export type HistoryEntry = z.infer<typeof historyEntrySchema>;

/** Selects the entries that match every given field. */
export interface HistoryFilter {
  /** Key of the memory. */
  readonly key?: string;
  readonly id?: string;
  readonly step?: string;
  readonly turn?: string;
  readonly source?: string;
}
