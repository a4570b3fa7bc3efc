import type { Operation, OperationEvent } from "./operation.js";

/** How often each event occurs; one that never does may be absent. */
export type OperationCounts = Readonly<Partial<Record<OperationEvent, number>>>;

export function addCounts(parts: Iterable<OperationCounts>): OperationCounts {
  const sums: Partial<Record<OperationEvent, number>> = {};
  for (const part of parts) {
    for (const [event, count] of Object.entries(part) as [OperationEvent, number][]) {
      sums[event] = (sums[event] ?? 0) + count;
    }
  }
  return sums;
}

/** Only of the events that occur. */
export const countOperations = (operations: readonly Operation[]): OperationCounts =>
  addCounts(operations.map(({ event }) => ({ [event]: 1 })));

/** Of every event, 0 where it never occurs. */
export const countAllOperations = (operations: readonly Operation[]): Readonly<Record<OperationEvent, number>> => ({
  ADD: 0,
  UPDATE: 0,
  DELETE: 0,
  NOOP: 0,
  ...countOperations(operations),
});
