import { paperRetrieval, withAliases } from "../memory/bank/retrieve.js";
import { TextIndex } from "../store/search/text-index.js";
import type { Question, RetrievedMemory } from "../trace/episode.js";
import type { DialogueTurn } from "./dialogue.js";
import type { TurnContext } from "./rows.js";

/** `{when}: {speaker}: {text}`: a turn as the plain prompt shows it, and as it is searched. */
export function turnLine({ when, time, speaker, text }: DialogueTurn): string {
  return `${when ?? time}: ${speaker}: ${text}`;
}

/** Chooses raw turns of one dialogue in place of memories; each choice in the order in which they were said. */
export function turnChooser(
  turns: readonly DialogueTurn[],
): (context: TurnContext, question: Question) => DialogueTurn[] {
  const index = new TextIndex(turns.map((turn, at) => ({ id: String(at), text: turnLine(turn) })));
  return (context, question) => {
    switch (context) {
      case "none":
        return [];
      case "full":
        return [...turns];
      case "evidence":
        return turns.filter(({ id }) => question.evidence?.includes(id));
      case "bm25":
        return bestOfEachSpeaker(
          turns,
          index.rank(question.text).map(({ id }) => Number(id)),
        );
    }
  };
}

/** As many of each speaker as the paper's answerer sees; where too few have a word of the question, the oldest fill up. */
function bestOfEachSpeaker(turns: readonly DialogueTurn[], ranked: readonly number[]): DialogueTurn[] {
  const order = [...new Set([...ranked, ...turns.keys()])];
  const left = new Map<string, number>();
  const chosen = order.filter((at) => {
    const { speaker } = turns[at]!;
    const places = left.get(speaker) ?? paperRetrieval.memoriesPerSpeaker;
    left.set(speaker, places - 1);
    return places > 0;
  });
  return chosen.sort((a, b) => a - b).map((at) => turns[at]!);
}

/** Raw turns as the Answer Agent reads memories: those of a speaker together, oldest first. */
export function turnsAsMemories(turns: readonly DialogueTurn[], speakers: readonly string[]): RetrievedMemory[] {
  const memories = turns.map(({ id, speaker, text, time }, order) => ({
    key: id,
    value: { text, speaker, time, source: id, order },
  }));
  return withAliases(speakers.flatMap((speaker) => memories.filter(({ value }) => value.speaker === speaker)));
}

/** Share of a question's evidence among these turns; null without evidence. */
export function turnRecall({ evidence = [] }: Question, turns: readonly DialogueTurn[]): number | null {
  if (evidence.length === 0) return null;
  const ids = new Set(turns.map(({ id }) => id));
  return evidence.filter((id) => ids.has(id)).length / evidence.length;
}
