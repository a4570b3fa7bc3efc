import type { Embeddings } from "@langchain/core/embeddings";
import { rankedMemoryStore } from "../store/ranked-memory-store.js";
import { LexicalEmbeddings } from "../store/search/lexical-embeddings.js";
import type { Dialogue } from "./dialogue.js";
import type { EvaluationScores } from "./evaluation-scores.js";
import { type PlayAgents, type PlayOptions, playDialogues } from "./play.js";
import type { PlayProgress } from "./progress.js";
import { scorePlayed } from "./score-played.js";

/** Agents under the name that tables show. */
export interface Configuration {
  readonly name: string;
  readonly agents: PlayAgents;
}

export interface CompareOptions extends Omit<PlayOptions, "store" | "namespace" | "recorder" | "onProgress"> {
  /** Rank the memories; one instance for all, so that their texts are embedded alike. Default: lexical. */
  readonly embeddings?: Embeddings;
  readonly onProgress?: (name: string, progress: PlayProgress) => void;
  readonly onScores?: (scores: EvaluationScores) => void;
}

/** Plays the same dialogues with one configuration after another, each from empty banks in a store of its own. */
export async function compareAgents(
  dialogues: readonly Dialogue[],
  configurations: readonly Configuration[],
  { embeddings = new LexicalEmbeddings(), onProgress, onScores, ...options }: CompareOptions = {},
): Promise<EvaluationScores[]> {
  const all: EvaluationScores[] = [];
  for (const { name, agents } of configurations) {
    const played = await playDialogues(dialogues, agents, {
      ...options,
      store: await rankedMemoryStore({ embeddings, fields: ["text"] }),
      onProgress: (progress) => onProgress?.(name, progress),
    });
    const scores = scorePlayed(name, played);
    onScores?.(scores);
    all.push(scores);
  }
  return all;
}
