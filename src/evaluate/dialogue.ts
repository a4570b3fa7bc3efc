import { z } from "zod";
import { FileError } from "../errors.js";
import { readJson } from "../json-file.js";
import { questionSchema, turnSchema } from "../trace/episode.js";

export const dialogueTurnSchema = turnSchema.extend({
  /** Number of the session, from 1 on. */
  session: z.number().int(),
  /** When it was said, in the data's own words, where these say more than `time`: "1:56 pm on 8 May, 2023". */
  when: z.string().optional(),
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

/** Parses the JSON of a file of dialogues. Throws FileError where it is missing or no JSON. */
export const readDialogueJson = (path: string): Promise<unknown> =>
  readJson(path, "pass a file of this package's form, or locomo10.json");

/** Reads a JSON array of dialogues. Throws FileError with the place of the first thing that is wrong. */
export async function readDialogues(path: string): Promise<Dialogue[]> {
  const parsed = z.array(dialogueSchema).safeParse(await readDialogueJson(path));
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
