import type { z } from "zod";

/** The first thing that a schema found wrong, with its path: "turn.id: expected string"; `whole` stands where the value itself is wrong. */
export function firstIssue({ issues: [issue] }: z.ZodError, whole: string): string {
  return issue === undefined ? "another form" : `${issue.path.join(".") || whole}: ${issue.message}`;
}
