import { z } from "zod";
import { FileError } from "../errors.js";
import { readJson } from "../json-file.js";
import { questionSchema, turnSchema } from "../trace/episode.js";

const dialogueTurnSchema = turnSchema.extend({
  /** Number of the session, from 1 on. */
  session: z.number().int(),
  /** When it was said, in the data's own words, where these say more than `time`: "1:56 pm on 8 May, 2023". */
  when: z.string().optional(),
  /** Ready-made facts of this turn, where a data set has them: no extractor is needed then. */
  facts: z.array(z.string().trim().min(1)).optional(),
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

/** A conversation's speakers, whose banks grow side by side. */
export const SPEAKERS = 2;

/** Parses the JSON of a file of dialogues. @throws FileError where it is missing or no JSON. */
export const readDialogueJson = (path: string): Promise<unknown> =>
  readJson(path, "pass a file of this package's form, or locomo10.json");

/** Reads a JSON array of dialogues. @throws FileError with the place of the first thing that is wrong. */
export async function readDialogues(path: string): Promise<Dialogue[]> {
  const parsed = z.array(dialogueSchema).safeParse(await readDialogueJson(path));
  if (parsed.success) {
    checkIds(parsed.data, path);
    return parsed.data;
  }
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

/** Memories and answers are kept under these ids: a second thing of the same id would overwrite the first. */
function checkIds(dialogues: readonly Dialogue[], path: string): void {
  requireUnique(dialogues, "dialogue", path);
  for (const { id, turns, questions } of dialogues) {
    const where = `${path}, dialogue ${id}`;
    requireUnique(turns, "turn", where);
    requireUnique(questions, "question", where);
    const known = new Set(turns.map((turn) => turn.id));
    for (const { id: question, evidence = [], after } of questions) {
      for (const turn of evidence) requireTurn(turn, known, "evidence", `${where}, question ${question}`);
      if (after !== undefined) requireTurn(after, known, "after", `${where}, question ${question}`);
    }
  }
}

function requireUnique(things: readonly { readonly id: string }[], thing: string, where: string): void {
  const seen = new Set<string>();
  for (const { id } of things) {
    if (seen.has(id)) {
      throw new FileError({
        what: `two ${thing}s have the same id`,
        where,
        expected: `each ${thing} with an id of its own`,
        found: `${thing} ${id} twice`,
        remedy: "rename one of them, and what refers to it",
      });
    }
    seen.add(id);
  }
}

function requireTurn(turn: string, known: ReadonlySet<string>, field: "evidence" | "after", where: string): void {
  if (known.has(turn)) return;
  throw new FileError({
    what: `"${field}" names a turn that is not in the dialogue`,
    where,
    expected: "the id of one of its turns",
    found: turn,
    remedy: "correct the id, or leave it out",
  });
}
