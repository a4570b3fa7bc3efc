import { bankMemories } from "../evaluate/bank-memories.js";
import type { BankStep } from "../evaluate/build-banks.js";
import type { Dialogue } from "../evaluate/dialogue.js";
import type { AnswerLine, StepLine } from "../evaluate/evaluation-log.js";
import { LexicalEmbeddings } from "../store/lexical-embeddings.js";
import {
  type Question,
  type RetrievalSetting,
  type RetrievedMemory,
  retrievalSettingSchema,
} from "../trace/episode.js";
import { EVALUATE, type RecipeRun } from "./read-recipe.js";

/** A memory of an answerer's prompt. */
export interface ShownMemory extends RetrievedMemory {
  /** Whether a turn that holds the answer made or changed it. */
  readonly ofEvidence: boolean;
}

/** How a run's test chose memories; null where a sentence encoder ranked them, which a report has not, or it is not known. */
export function retrievalOf({ marks }: RecipeRun): RetrievalSetting | null {
  const settings = marks.get(EVALUATE)?.settings;
  const parsed = retrievalSettingSchema.safeParse(settings);
  return parsed.success && settings?.encoder === undefined ? parsed.data : null;
}

/**
 * What an answerer was shown: results keep how many memories that were, not which, so that the bank is lived through once more. Null where
 * decisions are missing, or where number or evidence are not those that the answer was given with.
 */
export async function shownMemories(
  dialogue: Dialogue,
  question: Question,
  stepOf: (turn: string) => StepLine | undefined,
  { answer, retrieval }: { readonly answer: AnswerLine; readonly retrieval: RetrievalSetting },
): Promise<readonly ShownMemory[] | null> {
  const steps: BankStep[] = [];
  for (const turn of dialogue.turns.filter(({ facts = [] }) => facts.length > 0)) {
    const step = stepOf(turn.id);
    if (step === undefined) return null;
    steps.push({ ...step, turn, decided: true });
  }
  const { byQuestion } = await bankMemories({ dialogue, steps }, [question], new LexicalEmbeddings(), retrieval);
  const { retrieved, evidenceRecall } = byQuestion.get(question.id)!;
  if (retrieved.length !== answer.memories || evidenceRecall !== answer.evidenceRecall) return null;
  const told = steps.filter(({ turn }) => question.evidence?.includes(turn.id));
  const keys = new Set(told.flatMap(({ changes }) => changes.map(({ key }) => key)));
  return retrieved.map((memory) => ({ ...memory, ofEvidence: keys.has(memory.key) }));
}
