import { rewards } from "../../reward/rewards.js";
import type { Answer, EpisodeEvent, MemoryStep, ModelCall, Undo } from "../../trace/episode.js";

/** A memory step with what its model said. */
export interface ToldStep {
  readonly step: MemoryStep;
  /** Absent where no model decided, or its call was not recorded. */
  readonly call: ModelCall | undefined;
}

export interface GivenAnswer {
  readonly answer: Answer;
  /** Number of memory steps before it. */
  readonly after: number;
  /** Null where no gold answer is known. */
  readonly right: boolean | null;
}

/** What a person took back. */
export interface TakenBack {
  readonly undo: Undo;
  /** Number of memory steps before it, and of answers. */
  readonly after: number;
  readonly answers: number;
}

/** What was recorded of one bank, in its order. */
export interface Conversation {
  readonly namespace: readonly string[];
  readonly steps: readonly ToldStep[];
  readonly answers: readonly GivenAnswer[];
  readonly takenBack: readonly TakenBack[];
}

interface Growing extends Conversation {
  readonly steps: ToldStep[];
  readonly answers: GivenAnswer[];
  readonly takenBack: TakenBack[];
}

/** A recording under the name that the report gives it. */
export interface Recording {
  readonly name: string;
  readonly conversations: readonly Conversation[];
}

/** Sorts the events of a recording by the bank that they are of. */
export function recording(name: string, events: readonly EpisodeEvent[]): Recording {
  const calls = new Map<string, ModelCall>();
  const exact = new Map<string, number>();
  for (const event of events) {
    if (event.type === "model_call") calls.set(event.id, event);
    else if (event.type === "reward" && event.name === "exact-match") exact.set(event.of, event.value);
  }
  const banks = new Map<string, Growing>();
  for (const event of events) {
    if (event.type === "model_call" || event.type === "reward") continue;
    const key = JSON.stringify(event.namespace);
    const bank = banks.get(key) ?? { namespace: event.namespace, steps: [], answers: [], takenBack: [] };
    banks.set(key, bank);
    const after = bank.steps.length;
    if (event.type === "undo") bank.takenBack.push({ undo: event, after, answers: bank.answers.length });
    else if (event.type === "answer")
      bank.answers.push({ answer: event, after, right: rightness(event, exact.get(event.id)) });
    else bank.steps.push({ step: event, call: event.callId === undefined ? undefined : calls.get(event.callId) });
  }
  return { name, conversations: [...banks.values()] };
}

function rightness({ question: { gold }, answer }: Answer, recorded: number | undefined): boolean | null {
  if (recorded !== undefined) return recorded === 1;
  return gold === undefined ? null : rewards["exact-match"](answer, gold) === 1;
}

/** The bank's own name: the last label, for those before it tell of users and recordings. */
export const conversationName = ({ namespace }: Conversation): string => namespace.at(-1) ?? "the bank";

/** Answers that are right, of those whose gold answer is known. */
export function rightAnswers(answers: readonly GivenAnswer[]): { right: number; known: number } {
  const known = answers.filter(({ right }) => right !== null);
  return { right: known.filter(({ right }) => right).length, known: known.length };
}

/** The same conversation in two recordings. */
export interface Pair {
  readonly before: Conversation;
  readonly after: Conversation;
}

/** Conversations that open with the same turn; where several do, those of the same name. */
export function pairs(before: Recording, after: Recording): Pair[] {
  const left = [...after.conversations];
  return before.conversations.flatMap((one) => {
    const alike = left.filter((other) => opening(other) === opening(one));
    const match = alike.find((other) => conversationName(other) === conversationName(one)) ?? alike[0];
    if (match === undefined) return [];
    left.splice(left.indexOf(match), 1);
    return [{ before: one, after: match }];
  });
}

function opening({ steps }: Conversation): string {
  const turn = steps[0]?.step.turn;
  return JSON.stringify([turn?.id, turn?.speaker, turn?.text]);
}
