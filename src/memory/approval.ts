import { interrupt } from "@langchain/langgraph";
import type { RetrievedMemory, Turn } from "../trace/episode.js";
import type { Operation } from "./bank/operation.js";

/** Interrupt value of a graph with `approveDeletes`. Resume the graph with `true` or "yes", `false` or "no". */
export interface DeleteRequest {
  readonly kind: "memory-r1:approve_delete";
  readonly operation: Extract<Operation, { event: "DELETE" }>;
  readonly memory: RetrievedMemory;
  /** The turn for which the memory would be deleted. */
  readonly turn: Turn;
  /** The previous reply, if it was neither yes nor no. */
  readonly notUnderstood?: string;
}

const ANSWERS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  ["yes", true],
  [false, false],
  ["no", false],
]);

/** The operations without the deletes that the user refuses, who is asked for each. Runs inside a graph node with a checkpointer. */
export function approvedOperations(
  operations: readonly Operation[],
  retrieved: readonly RetrievedMemory[],
  turn: Turn,
): Operation[] {
  return operations.filter((operation) => {
    if (operation.event !== "DELETE") return true;
    const memory = retrieved.find(({ alias }) => alias === operation.id);
    return memory === undefined || ask({ kind: "memory-r1:approve_delete", operation, memory, turn });
  });
}

/** An answer that is neither yes nor no is asked for again: a thread keeps what it was resumed with. */
function ask(request: DeleteRequest): boolean {
  let question = request;
  for (;;) {
    const reply: unknown = interrupt(question);
    const answer = ANSWERS.get(typeof reply === "string" ? reply.trim().toLowerCase() : reply);
    if (answer !== undefined) return answer;
    question = { ...request, notUnderstood: `${JSON.stringify(reply)}`.slice(0, 100) };
  }
}
