import { readFile } from "node:fs/promises";
import { z } from "zod";
import { FileError } from "../errors.js";
import { questionSchema, turnSchema } from "../trace/episode.js";

export const dialogueTurnSchema = turnSchema.extend({
  /** Number of the session, from 1 on. */
  session: z.number().int(),
  /** Ready-made facts of this turn, where a data set has them: no extractor is needed then. */
  facts: z.array(z.string()).optional(),
});

/** A conversation of two speakers over many sessions, in the order in which it was said, and questions about it. */
export const dialogueSchema = z.object({
  id: z.string(),
  speakers: z.tuple([z.string(), z.string()]),
  turns: z.array(dialogueTurnSchema),
  questions: z.array(questionSchema),
});

export type DialogueTurn = z.infer<typeof dialogueTurnSchema>;
export type Dialogue = z.infer<typeof dialogueSchema>;

/** Parses the JSON of a file. Throws FileError where it is missing or no JSON. */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new FileError({
      what: "file cannot be read",
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: "check the path and its permissions",
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FileError({
      what: "file is not valid JSON",
      where: path,
      expected: "one JSON document",
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: "fetch or write the file again; it may be cut off",
      cause,
    });
  }
}

/** Reads a JSON array of dialogues. Throws FileError with the place of the first thing that is wrong. */
export async function readDialogues(path: string): Promise<Dialogue[]> {
  const parsed = z.array(dialogueSchema).safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new FileError({
    what: "file does not hold dialogues",
    where: path,
    expected: "an array of { id, speakers, turns, questions }",
    found: issue === undefined ? "something else" : `at "${issue.path.join(".")}": ${issue.message}`,
    remedy: "compare with the form that `memory-r1 record --help` shows",
    cause: parsed.error,
  });
}
