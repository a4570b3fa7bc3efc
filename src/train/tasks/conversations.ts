import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeJson } from "../../atomic-file.js";
import { hashText } from "../../hash.js";
import { parseFields, readOptionalJson } from "../../json-file.js";
import type { Turn } from "../../trace/episode.js";
import type { RecordedDialogue } from "./links.js";

/** Identifies a conversation across files and formats. */
const conversationMarkSchema = z.object({
  id: z.string(),
  /**
   * SHA-256 of its first turn, in hexadecimal: ids of generated conversations, or of your own, are not unique. Null if no
   * turn is known.
   */
  opening: z.string().nullable(),
});

export type ConversationMark = Readonly<z.infer<typeof conversationMarkSchema>>;

export function conversationMark({
  id,
  turns: [first],
}: {
  readonly id: string;
  readonly turns: readonly Pick<Turn, "speaker" | "time" | "text">[];
}): ConversationMark {
  if (first === undefined) return { id, opening: null };
  const opening = [first.speaker, first.time, first.text].join("\n");
  return { id, opening: hashText(opening) };
}

/** The mark of a recorded conversation: the last label of its bank's namespace is its id. */
export function recordedMark({ namespace, steps }: RecordedDialogue): ConversationMark {
  return conversationMark({ id: unescaped(namespace.at(-1)!), turns: steps.map(({ turn }) => turn) });
}

/** Those of `marks` that are among `known`. */
export function sharedConversations(
  marks: readonly ConversationMark[],
  known: readonly ConversationMark[],
): ConversationMark[] {
  return marks.filter(({ id, opening }) =>
    known.some((one) => one.id === id && (opening === null || one.opening === null || one.opening === opening)),
  );
}

/** Those of both lists, each once. */
export function allConversations(
  marks: readonly ConversationMark[],
  more: readonly ConversationMark[],
): ConversationMark[] {
  const known = new Map([...marks, ...more].map((mark) => [`${mark.opening} ${mark.id}`, mark]));
  return [...known.values()];
}

const FILE = "trained-on.json";
const fileSchema = z.object({ task: z.string().optional(), conversations: z.array(conversationMarkSchema) });

export interface TrainedOn {
  /** Name of the task: "manager" and "answerer" are those of the two agents. Absent where it is not known. */
  readonly task?: string | undefined;
  readonly conversations: readonly ConversationMark[];
}

/** Writes into an adapter's folder what it learned, and from which conversations. */
export async function writeTrainedOn(adapter: string, { task, conversations }: TrainedOn): Promise<void> {
  await mkdir(adapter, { recursive: true });
  await writeJson(join(adapter, FILE), { ...(task === undefined ? {} : { task }), conversations });
}

/**
 * What an adapter learned, and from which conversations; nothing if its folder has no record.
 * @throws FileError if the record has an unexpected format.
 */
export async function readTrainedOn(adapter: string): Promise<TrainedOn> {
  const file = join(adapter, FILE);
  const value = await readOptionalJson(file);
  if (value === undefined) return { conversations: [] };
  return parseFields(fileSchema, value, file, "train the adapter again, or remove this file");
}

/** Namespaces of this package's own recordings hold ids as URI components; others are taken as they are. */
function unescaped(label: string): string {
  try {
    return decodeURIComponent(label);
  } catch {
    return label;
  }
}
