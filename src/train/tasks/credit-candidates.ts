import type { Change, GoldQuestion, MemoryStep } from "../../trace/episode.js";
import { evidenceTurns, type RecordedDialogue } from "./links.js";
import { lifeTurns } from "./memory-life.js";

/** A recorded operation with the questions that it is judged by. */
export interface CreditCandidate {
  readonly dialogue: RecordedDialogue;
  readonly step: MemoryStep;
  readonly change: Change;
  readonly asked: readonly AskedQuestion[];
}

/** A question with the moment at which it was recorded. */
interface AskedQuestion {
  readonly question: GoldQuestion;
  /** Turns that hold its answer. */
  readonly evidence: readonly string[];
  /** Steps and undoes before it. */
  readonly before: number;
  /** Id of the first answer at that moment: the bank is the same for all of them. */
  readonly decision: string;
}

/** Each change of a conversation's memories. "linked" and "all" as in `CreditOptions`. */
export function candidatesOf(dialogue: RecordedDialogue, which: "linked" | "all"): CreditCandidate[] {
  const asked = askedQuestions(dialogue);
  return dialogue.changing.flatMap((step, at) => {
    // Whoever undid something was no agent.
    if (step.type === "undo") return [];
    return step.changes.map((change): CreditCandidate => {
      const turns = new Set([step.turn.id, ...lifeTurns(dialogue, change.key)]);
      const own = asked.filter(
        ({ evidence, before }) => before > at && (which === "all" || evidence.some((turn) => turns.has(turn))),
      );
      return { dialogue, step, change, asked: own };
    });
  });
}

/** The questions with gold answers, each as it was last recorded. */
function askedQuestions({ events, questions }: RecordedDialogue): AskedQuestion[] {
  const gold = new Map(questions.map((question) => [question.id, question]));
  const asked = new Map<string, AskedQuestion>();
  const decisions = new Map<number, string>();
  let before = 0;
  for (const event of events) {
    if (event.type === "memory_step" || event.type === "undo") before++;
    if (event.type !== "answer") continue;
    const decision = decisions.get(before) ?? event.id;
    decisions.set(before, decision);
    const question = gold.get(event.question.id);
    if (question === undefined) continue;
    asked.set(question.id, { question, evidence: evidenceTurns(question, events), before, decision });
  }
  return [...asked.values()];
}
