import type { Embeddings } from "@langchain/core/embeddings";
import { InMemoryStore } from "@langchain/langgraph";
import { LexicalEmbeddings } from "../store/lexical-embeddings.js";
import type { Dialogue } from "./dialogue.js";
import { type PlayAgents, type PlayOptions, type PlayProgress, playDialogues } from "./play.js";
import { type Scores, scorePlayed } from "./scores.js";

/** Agents under the name that tables show. */
export interface Configuration {
  readonly name: string;
  readonly agents: PlayAgents;
}

export interface CompareOptions extends Omit<PlayOptions, "store" | "namespace" | "recorder" | "onProgress"> {
  /** Rank the memories; one instance for all, so that their texts are embedded alike. Default: lexical. */
  readonly embeddings?: Embeddings;
  readonly onProgress?: (name: string, progress: PlayProgress) => void;
  readonly onScores?: (scores: Scores) => void;
}

/** Plays the same dialogues with one configuration after another, each from empty banks in a store of its own. */
export async function compareAgents(
  dialogues: readonly Dialogue[],
  configurations: readonly Configuration[],
  { embeddings = new LexicalEmbeddings(), onProgress, onScores, ...options }: CompareOptions = {},
): Promise<Scores[]> {
  const all: Scores[] = [];
  for (const { name, agents } of configurations) {
    const played = await playDialogues(dialogues, agents, {
      ...options,
      store: await memoryStore(embeddings),
      onProgress: (progress) => onProgress?.(name, progress),
    });
    const scores = scorePlayed(name, played);
    onScores?.(scores);
    all.push(scores);
  }
  return all;
}

/** A store of this process that ranks memories by their text. */
export async function memoryStore(embeddings: Embeddings): Promise<InMemoryStore> {
  const dims = (await embeddings.embedQuery("dimension")).length;
  return new InMemoryStore({ index: { dims, embeddings, fields: ["text"] } });
}
