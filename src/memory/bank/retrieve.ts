import type { SearchMode } from "../../store/search/search-mode.js";
import type { MemoryOrder, RetrievalSetting, RetrievedMemory, Turn } from "../../trace/episode.js";
import type { MemoryBank } from "./bank.js";
import { byOrder, byRelevance, type ScoredMemory } from "./scored-memory.js";
import { speakersNamed } from "./speakers-named.js";

/** Memories per fact that the manager sees: mem0's choice, which Memory-R1 follows. */
export const MANAGER_MEMORIES_PER_FACT = 5;

/** What the answerer sees in Memory-R1, section 3.2. */
export const paperRetrieval: RetrievalSetting = { memoriesPerSpeaker: 30, namedSpeakersOnly: false };

/** Gives memories their turn-local aliases "m1", "m2", … in the given order. */
export function withAliases(memories: readonly ScoredMemory[]): RetrievedMemory[] {
  return memories.map(({ key, value, namespace }, index) => ({
    alias: `m${index + 1}`,
    key,
    ...value,
    ...(namespace === undefined ? {} : { namespace: [...namespace] }),
  }));
}

/** How the manager's memories are chosen. */
export interface ManagerRetrieval {
  /** Nearest memories for each fact. Default 5. */
  readonly memoriesPerFact?: number;
  /** What to rank them by. Default "vector". */
  readonly search?: SearchMode | undefined;
}

/**
 * The memories that the manager sees: for each fact the nearest ones of the turn's speaker, merged, nearest first. Facts
 * are compared within one speaker, because Memory-R1 keeps a bank per speaker.
 */
export async function retrieveForManager(
  bank: MemoryBank,
  facts: readonly string[],
  turn: Turn,
  { memoriesPerFact = MANAGER_MEMORIES_PER_FACT, search = "vector" }: ManagerRetrieval = {},
): Promise<RetrievedMemory[]> {
  const options = { limit: memoriesPerFact, speaker: turn.speaker, mode: search };
  const best = new Map<string, ScoredMemory>();
  for (const fact of facts) {
    for (const memory of await bank.retrieve(fact, options)) {
      if ((best.get(memory.key)?.score ?? Number.NEGATIVE_INFINITY) < (memory.score ?? 0)) {
        best.set(memory.key, memory);
      }
    }
  }
  return withAliases([...best.values()].sort(byRelevance));
}

/** How the answerer's memories are chosen. Default: the 30 nearest of each speaker, as in the paper. */
export type AnswerRetrieval = Partial<RetrievalSetting>;

/** The paper's setting with what is given in its place, in one form: vectors rank where it does not say what does. */
export function retrievalSetting({
  memoriesPerSpeaker = paperRetrieval.memoriesPerSpeaker,
  namedSpeakersOnly = paperRetrieval.namedSpeakersOnly,
  search = "vector",
  words = false,
  adjacent = false,
  order = "oldest-first",
}: AnswerRetrieval): RetrievalSetting {
  return {
    memoriesPerSpeaker,
    namedSpeakersOnly,
    ...(search === "vector" ? {} : { search }),
    ...(words ? { words } : {}),
    ...(adjacent ? { adjacent } : {}),
    ...(order === "oldest-first" ? {} : { order }),
  };
}

const listed: Record<MemoryOrder, (found: readonly ScoredMemory[]) => ScoredMemory[]> = {
  "oldest-first": (found) => found.toSorted(byOrder),
  "nearest-first": (found) => found.toSorted(byRelevance),
  "nearest-last": (found) => found.toSorted(byRelevance).reverse(),
};

/** The memories that the answerer sees: for each speaker the memories nearest to the question, in the setting's order. */
export async function retrieveForAnswer(
  bank: MemoryBank,
  question: string,
  speakers: readonly string[],
  options: AnswerRetrieval = {},
): Promise<RetrievedMemory[]> {
  const setting = retrievalSetting(options);
  const { memoriesPerSpeaker: limit, namedSpeakersOnly, search: mode = "vector", adjacent = false } = setting;
  const named = namedSpeakersOnly ? speakersNamed(question, speakers) : [];
  const ranking = { limit, mode, adjacent, shared: true };
  const groups: ScoredMemory[][] = [];
  for (const speaker of named.length === 0 ? speakers : named) {
    const found = await bank.retrieve(question, { ...ranking, speaker });
    groups.push(listed[setting.order ?? "oldest-first"](found));
  }
  return withAliases(groups.flat());
}
