import type { Embeddings } from "@langchain/core/embeddings";
import { MemoryBank } from "../memory/bank/bank.js";
import { retrieveForAnswer } from "../memory/bank/retrieve.js";
import { rankedMemoryStore } from "../store/ranked-memory-store.js";
import type { Question, RetrievalSetting, RetrievedMemory } from "../trace/episode.js";
import type { BankStep, BuiltBank } from "./build-banks.js";
import { evidenceRecall } from "./evidence.js";

/** What a bank shows an answerer for one question. */
export interface QuestionMemories {
  readonly retrieved: readonly RetrievedMemory[];
  readonly evidenceRecall: number | null;
  /** The same of some of these memories. */
  readonly recallOf: (memories: readonly RetrievedMemory[]) => number | null;
}

export interface BankMemories {
  readonly byQuestion: ReadonlyMap<string, QuestionMemories>;
  /** Memories in the bank after the last turn. */
  readonly bankSize: number;
}

/** Lives through a bank's changes once more, and looks at each question's time what it would be answered from. */
export async function bankMemories(
  { dialogue: { turns, speakers }, steps }: BuiltBank,
  questions: readonly Question[],
  embeddings: Embeddings,
  retrieval: RetrievalSetting,
): Promise<BankMemories> {
  const bank = new MemoryBank({
    store: await rankedMemoryStore({ embeddings, fields: ["text"] }),
    namespace: ["bank"],
  });
  const byQuestion = new Map<string, QuestionMemories>();
  const stepAt = new Map(steps.map((step) => [step.turn.id, step]));
  const past: BankStep[] = [];
  // At once, so that an encoder gets them in batches.
  const look = async (asked: readonly Question[]): Promise<void> => {
    const known = past.slice();
    const found = asked.map(({ text }) => retrieveForAnswer(bank, text, speakers, retrieval));
    for (const [i, retrieved] of (await Promise.all(found)).entries()) {
      const question = asked[i]!;
      const recallOf = (memories: readonly RetrievedMemory[]) =>
        evidenceRecall({ question, retrieved: memories }, known);
      byQuestion.set(question.id, { retrieved, evidenceRecall: recallOf(retrieved), recallOf });
    }
  };
  for (const { id } of turns) {
    const step = stepAt.get(id);
    if (step !== undefined) {
      if (step.changes.length > 0) await bank.write(step.changes);
      past.push(step);
    }
    await look(questions.filter(({ after }) => after === id));
  }
  await look(questions.filter(({ after }) => after === undefined));
  return { byQuestion, bankSize: (await bank.list()).length };
}
