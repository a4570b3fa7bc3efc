import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { instructedPrompts } from "../memory/instructed-prompts.js";
import { parseFacts } from "../memory/parse.js";
import type { MemoryPrompts } from "../memory/prompts.js";
import { mapConcurrently } from "./concurrent.js";
import type { Dialogue } from "./dialogue.js";
import type { PlayProgress } from "./play.js";

export interface ExtractOptions {
  readonly prompts?: MemoryPrompts;
  /** Only the first turns of each dialogue; the others keep what they have. */
  readonly turns?: number;
  /** Turns under way at once. Default 32. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PlayProgress) => void;
}

export interface ExtractedDialogues {
  readonly dialogues: Dialogue[];
  /** Turns that the extractor was asked about, and those of them whose reply could not be read: they have no facts. */
  readonly asked: number;
  readonly unparsable: number;
}

/** Asks an extractor for the facts of every turn, so that several agents can be compared on the same facts. */
export async function extractDialogueFacts(
  dialogues: readonly Dialogue[],
  extractor: BaseChatModel,
  { prompts = instructedPrompts, turns, concurrency = 32, signal, onProgress }: ExtractOptions = {},
): Promise<ExtractedDialogues> {
  const asked = dialogues.flatMap((dialogue) => dialogue.turns.slice(0, turns));
  let done = 0;
  const total = asked.length;
  onProgress?.({ done, total });
  const found = await mapConcurrently(asked, concurrency, async (turn) => {
    signal?.throwIfAborted();
    const reply = await extractor.invoke(prompts.extract(turn));
    onProgress?.({ done: ++done, total });
    return [turn, parseFacts(reply.text)] as const;
  });
  const read = new Map(found);
  return {
    dialogues: dialogues.map((dialogue) => ({
      ...dialogue,
      turns: dialogue.turns.map((turn) => {
        const facts = read.get(turn)?.facts;
        return facts === undefined ? turn : { ...turn, facts };
      }),
    })),
    asked: total,
    unparsable: found.filter(([, { unparsable }]) => unparsable !== null).length,
  };
}
