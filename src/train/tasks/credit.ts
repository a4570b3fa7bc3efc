import { UsageError } from "../../errors.js";
import { mean } from "../../mean.js";
import type { OperationEvent } from "../../memory/bank/operation.js";
import { sameMemory } from "../../memory/bank/scored-memory.js";
import { Random } from "../../random.js";
import type { RewardName } from "../../reward/rewards.js";
import type { Change, MemoryStep } from "../../trace/episode.js";
import type { RolloutContext } from "../rollout-context.js";
import { type Inquiry, scoreInquiries } from "./answering.js";
import { type CreditCandidate, candidatesOf } from "./credit-candidates.js";
import type { RecordedDialogue } from "./links.js";
import { lifeOf, replayLife } from "./memory-life.js";
import { ReplayedBanks } from "./replayed-bank.js";

/*
 * Credit of one recorded operation: how much better the conversation's questions are answered with it than without it.
 *
 * Left out is that one operation; all others that were recorded until a question was asked are replayed as far as they still apply:
 *  - an ADD always applies;
 *  - an UPDATE of a memory that is there writes its recorded text, whatever the memory says now;
 *  - an UPDATE or DELETE of a memory that is not there, since its ADD was left out, does nothing: it is lost, and counted as such. The
 *    credit of an ADD thus holds what later turns could add to the memory only because it was there;
 *  - what a DELETE that was left out would have removed stays as it was, since nothing that came later names it.
 * Nothing is decided anew: the managers that acted later are not asked what they would have done instead.
 *
 * A bank without an operation differs from the recorded one in that one memory only, so that it is a copy-on-write fork with one write.
 */

export interface CreditOptions {
  readonly policy: RolloutContext;
  /** Adapter of the frozen Answer Agent; absent means the base model. */
  readonly answerer?: string;
  readonly reward: RewardName;
  /**
   * Which questions an operation is judged by, of those that were asked after it. "linked": those whose evidence holds a turn that ever made or
   * changed its memory; "all": all of the conversation, which also shows what a memory costs by taking another one's place. Default "linked".
   */
  readonly questions?: "linked" | "all";
  /** Most operations to look at, drawn at random; default all. */
  readonly limit?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

export interface CreditedQuestion {
  readonly id: string;
  readonly text: string;
  readonly gold: string;
  /** Scores in [0, 1] by the recorded bank, and by the bank without the operation. */
  readonly recorded: number;
  readonly without: number;
}

export interface OperationCredit {
  readonly namespace: readonly string[];
  /** Id of the memory step. */
  readonly step: string;
  readonly turn: MemoryStep["turn"];
  readonly event: Change["event"];
  readonly before: string | null;
  readonly after: string | null;
  /** Mean change of the score over its questions, in [−1, 1]: above 0 the operation helped. */
  readonly credit: number;
  /** Sum of the changes: right answers that the operation is worth. */
  readonly gain: number;
  readonly questions: readonly CreditedQuestion[];
  /** Later operations that do not apply without it. */
  readonly lost: number;
}

export interface EventCredits {
  readonly operations: number;
  readonly gain: number;
  /** Mean over the operations. */
  readonly credit: number;
  readonly helpful: number;
  readonly harmful: number;
}

export interface CreditReport {
  /** Most helpful first. */
  readonly operations: readonly OperationCredit[];
  readonly events: Readonly<Record<Change["event"], EventCredits>>;
  /** Operations without credit, by reason; those above the limit are among them. */
  readonly skipped: Readonly<Record<"NOOP" | "no question" | "beyond the limit", number>>;
}

/** Operations whose banks are answered from in one batch. */
const BATCH = 32;

/** Credits the operations of recorded conversations. @throws UsageError where there is none to be credited. */
export async function creditOperations(
  dialogues: readonly RecordedDialogue[],
  options: CreditOptions,
): Promise<CreditReport> {
  const { policy, answerer, reward, limit, seed = 0, signal, onProgress } = options;
  const found = dialogues.flatMap((dialogue) => candidatesOf(dialogue, options.questions ?? "linked"));
  const askable = found.filter(({ asked }) => asked.length > 0);
  if (askable.length === 0) {
    throw new UsageError({
      what: "no operation can be credited",
      expected: "episodes with changes of memories, and later answers to questions that have gold answers",
      found: `${found.length} operations, none with a question`,
      remedy: "record dialogues with questions that have gold answers and evidence",
    });
  }
  const chosen = limit === undefined || limit >= askable.length ? askable : draw(askable, limit, seed);
  const banks = new ReplayedBanks(policy.embeddings);
  const texts = new Map<string, string>();
  const credits: OperationCredit[] = [];
  onProgress?.({ done: 0, total: chosen.length });
  for (let from = 0; from < chosen.length; from += BATCH) {
    signal?.throwIfAborted();
    const part = chosen.slice(from, from + BATCH);
    const inquiries = await Promise.all(part.map((candidate) => inquiriesOf(candidate, banks)));
    const pairs = inquiries.flat(2);
    const scores = await scoreInquiries(policy, answerer, pairs, reward, texts);
    let next = 0;
    for (const [i, candidate] of part.entries()) {
      const own = inquiries[i]!.map((pair) => pair.map(() => scores[next++] ?? 0));
      credits.push(creditOf(candidate, own));
    }
    onProgress?.({ done: credits.length, total: chosen.length });
  }
  credits.sort((a, b) => b.gain - a.gain || b.credit - a.credit);
  return {
    operations: credits,
    events: { ADD: totals(credits, "ADD"), UPDATE: totals(credits, "UPDATE"), DELETE: totals(credits, "DELETE") },
    skipped: {
      NOOP: dialogues.flatMap(({ steps }) => steps.flatMap(noops)).length,
      "no question": found.length - askable.length,
      "beyond the limit": askable.length - chosen.length,
    },
  };
}

/** Per question: the recorded bank's inquiry, and where the operation makes a difference by then, that of the bank without it. */
async function inquiriesOf({ dialogue, change, asked }: CreditCandidate, banks: ReplayedBanks): Promise<Inquiry[][]> {
  const { speakers } = dialogue;
  return Promise.all(
    asked.map(async ({ question, before, decision }) => {
      const recorded: Inquiry = { bank: await banks.forkBefore(dialogue, decision), speakers, question };
      const life = lifeOf(dialogue, change.key, before);
      const now = replayLife(life).value;
      const without = replayLife(life, change).value;
      if (sameMemory(now, without)) return [recorded];
      const bank = await banks.forkBefore(dialogue, decision);
      await bank.write([
        { event: without === null ? "DELETE" : "UPDATE", key: change.key, before: now, after: without },
      ]);
      return [recorded, { bank, speakers, question }];
    }),
  );
}

function creditOf(
  { dialogue, step, change, asked }: CreditCandidate,
  scores: readonly (readonly number[])[],
): OperationCredit {
  const questions = asked.map(({ question: { id, text, gold } }, i): CreditedQuestion => {
    const [recorded, without = recorded] = scores[i] as [number, number?];
    return { id, text, gold, recorded, without };
  });
  const changes = questions.map(({ recorded, without }) => recorded - without);
  return {
    namespace: dialogue.namespace,
    step: step.id,
    turn: step.turn,
    event: change.event,
    before: change.before?.text ?? null,
    after: change.after?.text ?? null,
    credit: mean(changes),
    gain: changes.reduce((sum, value) => sum + value, 0),
    questions,
    lost: replayLife(lifeOf(dialogue, change.key, dialogue.changing.length), change).lost,
  };
}

function totals(credits: readonly OperationCredit[], event: Change["event"]): EventCredits {
  const own = credits.filter((one) => one.event === event);
  return {
    operations: own.length,
    gain: own.reduce((sum, { gain }) => sum + gain, 0),
    credit: mean(own.map(({ credit }) => credit)),
    helpful: own.filter(({ gain }) => gain > 0).length,
    harmful: own.filter(({ gain }) => gain < 0).length,
  };
}

const noops = ({ operations }: MemoryStep): unknown[] =>
  operations.filter((operation) => (operation as { event?: OperationEvent }).event === "NOOP");

function draw(candidates: readonly CreditCandidate[], limit: number, seed: number): CreditCandidate[] {
  const chosen = new Set(new Random(seed).shuffle(candidates).slice(0, limit));
  return candidates.filter((candidate) => chosen.has(candidate));
}
