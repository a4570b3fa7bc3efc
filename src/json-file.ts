import { readFile } from "node:fs/promises";
import type { z } from "zod";
import { type Failure, FileError, messageOf } from "./errors.js";
import { firstIssue } from "./first-issue.js";

/** Whether a caught value is a file-system error of this code ("ENOENT"). */
export const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;

/** A file's text; `undefined` when there is no such file. @throws what `unreadable` makes of any other failure. */
export async function readOptionalText(
  file: string,
  unreadable: (cause: unknown) => FileError,
): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw unreadable(cause);
  }
}

/** Parsed JSON of a file; `undefined` when there is no such file. @throws FileError for anything that is not JSON. */
export async function readOptionalJson(file: string): Promise<unknown> {
  const unreadable = { what: "file cannot be read", where: file, remedy: "check the path and its permissions" };
  const text = await readOptionalText(file, (cause) => new FileError({ ...unreadable, cause }));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FileError({
      what: "file is not JSON",
      where: file,
      expected: "one JSON document",
      found: messageOf(cause),
      remedy: "fetch or write the file again; it may be cut off",
      cause,
    });
  }
}

/** As `readOptionalJson`, but a missing file is a FileError with this remedy. */
export async function readJson(file: string, remedy: string): Promise<unknown> {
  const value = await readOptionalJson(file);
  if (value === undefined) throw new FileError({ what: "file is missing", where: file, remedy });
  return value;
}

/** Parses one of a file's JSON lines. @throws FileError with how the line begins. */
export function parseLine(line: string, failure: Omit<Failure, "found" | "cause">): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new FileError({ ...failure, found: JSON.stringify(line.slice(0, 60)), cause });
  }
}

/** Checks a value of a file against a schema. @throws FileError with the first thing that is wrong; `whole` stands for the value itself. */
export function parseAs<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  whole: string,
  failure: Omit<Failure, "found" | "cause">,
): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FileError({ ...failure, found: firstIssue(parsed.error, whole), cause: parsed.error });
}

/** Checks a file's value against a schema; the FileError names the first field that is wrong. */
export function parseFields<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  file: string,
  remedy: string,
): z.infer<Schema> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new FileError({
    what: `field "${issue?.path.join(".") ?? ""}" is wrong`,
    where: file,
    expected: issue?.message ?? "another form",
    found: JSON.stringify(issue?.input) ?? "nothing",
    remedy,
    cause: result.error,
  });
}

/** The value of a JSON text; undefined where it is none. */
export function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
