import { messageOf } from "../errors.js";

/** Exit codes of all verbs; that of an interrupted one is what shells have for SIGINT. */
export const exitCodes = { ok: 0, failed: 1, unusable: 2, alarmed: 3, interrupted: 130 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/**
 * Marks what went wrong while the work was under way, for exit code 1: other typed errors mean that an input or an option
 * cannot be used, and nothing was begun.
 */
export class WorkFailure extends Error {
  override readonly name = "WorkFailure";

  constructor(override readonly cause: unknown) {
    super(messageOf(cause));
  }
}

/** Runs the work of a verb; what it throws comes out as WorkFailure. */
export async function working<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new WorkFailure(error);
  }
}
