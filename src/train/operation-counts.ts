import type { Operation, OperationEvent } from "../memory/operation.js";

/** How often each event occurs. */
export function countOperations(operations: readonly Operation[]): Partial<Record<OperationEvent, number>> {
  const counts: Partial<Record<OperationEvent, number>> = {};
  for (const { event } of operations) counts[event] = (counts[event] ?? 0) + 1;
  return counts;
}
