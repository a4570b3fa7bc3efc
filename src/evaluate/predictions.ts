import { readFile } from "node:fs/promises";
import { z } from "zod";
import { FileError, messageOf, UsageError } from "../errors.js";
import { type AnswerLine, answerLine } from "./evaluation-log.js";
import { noUsage } from "./usage.js";

const text = z.union([z.string(), z.number()]).transform(String);

const predictionSchema = z
  .object({
    prediction: text,
    gold: text.optional(),
    answer: text.optional(),
    category: text.optional(),
    conversation: text.optional(),
    question: text.optional(),
    text: z.string().optional(),
    row: z.string().optional(),
    condition: z.string().optional(),
    evidenceRecall: z.number().nullish(),
    recall: z.number().nullish(),
  })
  .refine(({ gold, answer }) => gold !== undefined || answer !== undefined, "gold, or answer, is missing");

/** The form of a file of predictions, for help texts. */
export const predictionForm = `
A file of predictions is a JSON array, or JSON lines, of { "prediction": "Oslo", "gold": "Oslo" }, where "answer" may stand for "gold"; each may
have "category" (LoCoMo's number), "conversation", "row" or "condition" (scored apart from others), "evidenceRecall" or "recall". With --judge
each needs the question's text as "text", or in its place "question", which is otherwise the question's id. Lines of results that this verb
wrote with --out are such, too.`;

/** Predictions that may have been made by any tool, by row. */
export type Predictions = ReadonlyMap<string, readonly AnswerLine[]>;

export interface ReadPredictionsOptions {
  /** Whether a judge will mark them, who must be told what was asked. Default false. */
  readonly judged?: boolean;
}

/**
 * Reads a file of predictions. @throws FileError that names the first entry that is wrong, UsageError where a judge would not hear the question.
 */
export async function readPredictions(
  file: string,
  { judged = false }: ReadPredictionsOptions = {},
): Promise<Predictions> {
  const entries = parseEntries(await readText(file), file).filter(
    (entry) => !isRecord(entry) || !("type" in entry) || entry.type === "answer",
  );
  const rows = new Map<string, AnswerLine[]>();
  const taken = new Set<string>();
  for (const [at, entry] of entries.entries()) {
    const own = answerLine.safeParse(entry);
    const line = own.success ? own.data : withOwnId(parseEntry(entry, at, file), at, taken);
    if (judged && line.text.trim() === "") throw unasked(`${file}, entry ${at + 1}`);
    const row = rows.get(line.row);
    if (row === undefined) rows.set(line.row, [line]);
    else row.push(line);
  }
  if (rows.size > 0) return rows;
  throw wrong(file, "no prediction");
}

/** Marks are kept by question: one that is there several times, as a text may be, has its place in its id from the second on. */
function withOwnId(line: AnswerLine, at: number, taken: Set<string>): AnswerLine {
  const id = JSON.stringify([line.row, line.conversation, line.question]);
  const own = taken.has(id) ? { ...line, question: `${line.question} (entry ${at + 1})` } : line;
  taken.add(id);
  return own;
}

function parseEntry(entry: unknown, at: number, file: string): AnswerLine {
  const parsed = predictionSchema.safeParse(entry);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw wrong(
      file,
      `in entry ${at + 1}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "another form"}`,
      parsed.error,
    );
  }
  const {
    prediction,
    gold,
    answer,
    category,
    conversation,
    question,
    text: asked,
    row,
    condition,
    evidenceRecall,
    recall,
  } = parsed.data;
  return {
    type: "answer",
    row: row ?? condition ?? "predictions",
    // Where no conversation is named, all count as of one.
    conversation: conversation ?? "",
    question: question ?? String(at),
    text: asked ?? question ?? "",
    ...(category === undefined ? {} : { category }),
    gold: (gold ?? answer)!,
    prediction,
    selected: [],
    shown: [],
    unparsable: null,
    tooLong: false,
    evidenceRecall: evidenceRecall ?? recall ?? null,
    evidenceSelected: null,
    usage: noUsage,
  };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const found = messageOf(cause);
    throw new FileError({
      what: "the predictions cannot be read",
      where: file,
      found,
      remedy: "check the path",
      cause,
    });
  }
}

function parseEntries(content: string, file: string): unknown[] {
  try {
    if (content.trimStart().startsWith("[")) return JSON.parse(content) as unknown[];
    return content.split("\n").flatMap((line) => (line.trim() === "" ? [] : [JSON.parse(line) as unknown]));
  } catch (cause) {
    throw wrong(file, messageOf(cause), cause);
  }
}

function wrong(file: string, found: string, cause?: unknown): FileError {
  return new FileError({
    what: "the file does not hold predictions",
    where: file,
    expected: "a JSON array, or JSON lines, of { prediction, gold }",
    found,
    remedy: "compare with the form that `memory-r1 evaluate --help` shows",
    ...(cause === undefined ? {} : { cause }),
  });
}

function unasked(where: string): UsageError {
  return new UsageError({
    what: "a judge needs to know what was asked",
    where,
    expected: 'the question as "text" or "question"',
    found: "neither",
    remedy: "add the questions' texts to the file, or leave out the judge (--judge)",
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
