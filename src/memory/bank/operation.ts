import { z } from "zod";

/**
 * One operation of the Memory Manager (Memory-R1, section 3.1). `id` is a turn-local alias such as "m1":
 * the model never sees or names a store key or a namespace. A model may write the fact's alias in place of an ADD's text.
 * Other properties, such as a quotation or a reason, are ignored.
 */
export const operationSchema = z.discriminatedUnion("event", [
  z.object({ event: z.literal("ADD"), text: z.string().trim().min(1).max(2000) }),
  z.object({ event: z.literal("UPDATE"), id: z.string(), text: z.string().trim().min(1).max(2000) }),
  z.object({ event: z.literal("DELETE"), id: z.string() }),
  z.object({ event: z.literal("NOOP"), id: z.string().optional() }),
]);

/** The reply that the manager model must give. Memories that no operation names stay unchanged. */
export const operationsSchema = z.object({ operations: z.array(operationSchema) });

export type Operation = z.infer<typeof operationSchema>;
export type OperationEvent = Operation["event"];
