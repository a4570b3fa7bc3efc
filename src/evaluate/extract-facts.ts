import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { parseFacts } from "../memory/parse.js";
import { instructedPrompts } from "../memory/prompts/instructed-prompts.js";
import type { MemoryPrompts } from "../memory/prompts/prompts.js";
import { mapConcurrently } from "./concurrent.js";
import type { Dialogue } from "./dialogue.js";
import { EvaluationLog, type FactsLine } from "./evaluation-log.js";
import type { PlayProgress } from "./progress.js";
import { addUsage, askCounted, type Usage } from "./usage.js";

export interface ExtractOptions {
  readonly prompts?: MemoryPrompts;
  /** Only the first turns of each dialogue; the others keep what they have. */
  readonly turns?: number;
  /** Turns under way at once. Default 32. */
  readonly concurrency?: number;
  /** Has what was found before, which is not asked again, and keeps what is found. */
  readonly log?: EvaluationLog;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PlayProgress) => void;
}

export interface ExtractedDialogues {
  readonly dialogues: Dialogue[];
  /** Turns that the extractor was asked about, and those of them whose reply could not be read: they have no facts. */
  readonly asked: number;
  readonly unparsable: number;
  readonly usage: Usage;
}

/** Asks an extractor for the facts of every turn, so that several agents can be compared on the same facts. */
export async function extractDialogueFacts(
  dialogues: readonly Dialogue[],
  extractor: BaseChatModel,
  {
    prompts = instructedPrompts,
    turns,
    concurrency = 32,
    log = new EvaluationLog(),
    signal,
    onProgress,
  }: ExtractOptions = {},
): Promise<ExtractedDialogues> {
  const asked = dialogues.flatMap(({ id, turns: all }) =>
    all.slice(0, turns).map((turn) => ({ conversation: id, turn })),
  );
  const open = asked.filter(({ conversation, turn }) => log.facts(conversation, turn.id) === undefined);
  const total = asked.length;
  let done = total - open.length;
  onProgress?.({ done, total });
  await mapConcurrently(open, concurrency, async ({ conversation, turn }) => {
    signal?.throwIfAborted();
    const { text, usage } = await askCounted(extractor, prompts.extract(turn));
    const read = text === null ? { facts: [], unparsable: "no room for a reply" } : parseFacts(text);
    log.append({ type: "facts", conversation, turn: turn.id, ...read, usage });
    onProgress?.({ done: ++done, total });
  });
  const found: FactsLine[] = asked.map(({ conversation, turn }) => log.facts(conversation, turn.id)!);
  return {
    dialogues: dialogues.map((dialogue) => ({
      ...dialogue,
      turns: dialogue.turns.map((turn, at) => {
        const line = turns === undefined || at < turns ? log.facts(dialogue.id, turn.id) : undefined;
        return line === undefined ? turn : { ...turn, facts: line.facts };
      }),
    })),
    asked: total,
    unparsable: found.filter(({ unparsable }) => unparsable !== null).length,
    usage: addUsage(found.map(({ usage }) => usage)),
  };
}
