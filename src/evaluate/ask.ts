import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseMessage } from "@langchain/core/messages";
import type { ParsedAnswer } from "../memory/parse.js";
import type { Question } from "../trace/episode.js";
import { mapConcurrently } from "./concurrent.js";
import type { AnswerLine, EvaluationLog } from "./evaluation-log.js";
import type { PlayProgress } from "./progress.js";
import { askCounted } from "./usage.js";

/** A question with its gold answer, the messages that ask it, and how the reply is read. */
export interface Asking {
  readonly conversation: string;
  readonly question: Question & { readonly gold: string };
  readonly messages: BaseMessage[];
  /** Keys of the memories, or ids of the turns, that the messages show, in their order. */
  readonly shown: readonly string[];
  readonly evidenceRecall: number | null;
  /** Share of the question's evidence among what was shown under these aliases; null where none is known. */
  readonly selectedRecall: (aliases: readonly string[]) => number | null;
  readonly read: (text: string) => ParsedAnswer;
}

export interface AskOptions {
  readonly log: EvaluationLog;
  /** Questions at once. */
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PlayProgress) => void;
}

/** Answers all questions of one row that the log has not; returns all, in the order of the askings. */
export async function askRow(
  row: string,
  askings: readonly Asking[],
  model: BaseChatModel,
  { log, concurrency, signal, onProgress }: AskOptions,
): Promise<AnswerLine[]> {
  const open = askings.filter(({ conversation, question }) => log.answer(row, conversation, question.id) === undefined);
  const total = askings.length;
  let done = total - open.length;
  onProgress?.({ done, total });
  // Prompts of like length share a batch, which is padded to its longest.
  const byLength = open.map((asking) => ({ asking, length: lengthOf(asking) })).sort((a, b) => b.length - a.length);
  await mapConcurrently(byLength, concurrency, async ({ asking }) => {
    signal?.throwIfAborted();
    log.append(await answer(row, asking, model));
    onProgress?.({ done: ++done, total });
  });
  return askings.map(({ conversation, question }) => log.answer(row, conversation, question.id)!);
}

async function answer(row: string, asking: Asking, model: BaseChatModel): Promise<AnswerLine> {
  const { conversation, question, messages, shown, evidenceRecall, selectedRecall, read } = asking;
  const { text, usage } = await askCounted(model, messages);
  const parsed = text === null ? { answer: "", selected: [], unparsable: null } : read(text);
  return {
    type: "answer",
    row,
    conversation,
    question: question.id,
    text: question.text,
    ...(question.category === undefined ? {} : { category: question.category }),
    gold: question.gold,
    prediction: parsed.answer,
    selected: [...parsed.selected],
    shown: [...shown],
    unparsable: parsed.unparsable,
    tooLong: text === null,
    evidenceRecall,
    evidenceSelected: selectedRecall(parsed.selected),
    usage,
  };
}

const lengthOf = ({ messages }: Asking): number => messages.reduce((sum, { text }) => sum + text.length, 0);
