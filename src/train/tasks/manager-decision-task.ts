import { mean } from "../../mean.js";
import type { MemoryBank } from "../../memory/bank/bank.js";
import { countOperations } from "../../memory/bank/operation-counts.js";
import { retrievalSetting } from "../../memory/bank/retrieve.js";
import { applyDecision } from "../../memory/decision.js";
import type { RewardName } from "../../reward/rewards.js";
import type { GoldQuestion, MemoryStep } from "../../trace/episode.js";
import { evidenceHolders } from "../../trace/evidence-holders.js";
import type { Rollout, RolloutGroup, RolloutOptions, Task } from "../rollout.js";
import { encodeRecorded, type RolloutContext, responseText, sampleItems, toSample } from "../rollout-context.js";
import { type Inquiry, outcomeOf, scoreInquiries } from "./answering.js";
import { type Candidate, itemsOf, promptCandidate, recordedFields } from "./candidates.js";
import { evidenceTurns, linkQuestions, type RecordedDialogue } from "./links.js";
import { creditSpans } from "./operation-spans.js";
import { replayOptions } from "./replay-options.js";
import { ReplayedBanks } from "./replayed-bank.js";

export interface ManagerTaskOptions {
  readonly policy: RolloutContext;
  /** Adapter that is trained. */
  readonly adapter: string;
  /** Adapter of the frozen Answer Agent; absent means the base model. */
  readonly answerer?: string;
  readonly reward: RewardName;
  /**
   * Number of earlier turns' questions that each fork is asked besides its own: without them nothing would tell the
   * manager that it overwrote another memory. The paper asks only the turn's own questions. An earlier question is left
   * out if it rests on a turn that the turn's own questions also rest on: the evidence of a change includes what was true
   * before, as in the generated world, whether questions have an `after` or not.
   */
  readonly retentionQuestions?: number;
  /**
   * Weight of the credit of single operations in the reward. An operation's credit is how much better the same questions
   * are answered than from a fork that lacks only this operation. A response also earns the mean of its operations'
   * credits; if there are several, the tokens of each earn its difference from that mean. Default 0. Costs one more
   * answer per question and operation.
   */
  readonly creditWeight?: number;
}

interface Item {
  readonly dialogue: RecordedDialogue;
  readonly step: MemoryStep;
  readonly promptIds: readonly number[];
  readonly questions: readonly GoldQuestion[];
}

/**
 * The Memory Manager's task in the paper's first form: at a recorded decision, each response is applied to its own fork of the bank as it
 * stood then, the frozen Answer Agent answers the questions that the turn decides, and the mean score is the outcome.
 */
export function managerDecisionTask(dialogues: readonly RecordedDialogue[], options: ManagerTaskOptions): Task {
  const { policy, adapter, answerer, reward, retentionQuestions = 3, creditWeight = 0 } = options;
  const banks = new ReplayedBanks(policy.embeddings);
  const candidates = dialogues.flatMap((dialogue) => candidatesOf(dialogue, policy, retentionQuestions));
  const chosen = itemsOf(candidates, "manager decisions whose turn decides a question");
  const { items } = chosen;

  async function attempt({ dialogue, step, questions }: Item, text: string): Promise<Attempt> {
    const bank = await banks.forkBefore(dialogue, step.id);
    const applied = await applyDecision(bank, text, step.retrieved, step.turn, replayOptions(step, policy));
    const inquire = (of: MemoryBank) =>
      questions.map((question) => ({ bank: of, speakers: dialogue.speakers, question }));
    const credited = creditWeight === 0 ? [] : applied.changes;
    const without = await Promise.all(
      credited.map(async (leftOut) => {
        const fork = await banks.forkBefore(dialogue, step.id);
        await fork.write(applied.changes.filter((change) => change !== leftOut));
        return inquire(fork);
      }),
    );
    return { ...applied, text, inquiries: [inquire(bank), ...without] };
  }

  async function rollouts(ids: readonly string[], options: RolloutOptions): Promise<RolloutGroup[]> {
    const sampled = await sampleItems(policy, adapter, items, ids, options);
    const attempts = new Map<string, Promise<Attempt>>();
    const attemptOf = (item: Item, text: string) => {
      // Equal texts at one decision lead to equal banks.
      const key = `${item.step.id}\n${text}`;
      const known = attempts.get(key) ?? attempt(item, text);
      attempts.set(key, known);
      return known;
    };
    const made = await Promise.all(
      sampled.map(({ item, generations }) =>
        Promise.all(generations.map((generation) => attemptOf(item, responseText(policy, generation)))),
      ),
    );
    const distinct = [...new Set(made.flat())];
    const all = distinct.flatMap(({ inquiries }) => inquiries.flat());
    const scores = await scoreInquiries(policy, answerer, all, reward);
    const outcomes = new Map<Attempt, ReturnType<typeof outcomeOf>[]>();
    let from = 0;
    for (const one of distinct) {
      const own = one.inquiries.map((asked) => {
        from += asked.length;
        return outcomeOf(scores.slice(from - asked.length, from));
      });
      outcomes.set(one, own);
    }
    return sampled.map(({ id, item, generations }, i) => ({
      item: id,
      rollouts: made[i]!.map((one, g): Rollout => {
        const [whole, ...without] = outcomes.get(one)!;
        const credits = without.map(({ outcome }) => creditWeight * (whole!.outcome - outcome));
        const sample = toSample(item.promptIds, generations[g]!);
        const spans = creditSpans(policy.tokenizer, sample.responseIds, one, credits);
        return {
          samples: [spans.length === 0 ? sample : { ...sample, credits: spans }],
          ...whole!,
          ...(creditWeight === 0 ? {} : { credit: mean(credits) }),
          format: Number(one.unparsable === null),
          operations: countOperations(one.operations),
        };
      }),
    }));
  }

  return {
    name: "manager",
    ...recordedFields(dialogues, chosen),
    retrieval: retrievalSetting(policy),
    rollouts,
  };
}

interface Attempt extends Awaited<ReturnType<typeof applyDecision>> {
  readonly text: string;
  /** Of the bank with all its operations, then of those that lack one; these only where operations are credited. */
  readonly inquiries: readonly (readonly Inquiry[])[];
}

function candidatesOf(dialogue: RecordedDialogue, policy: RolloutContext, retention: number): Candidate<Item>[] {
  const links = linkQuestions(dialogue);
  const earlier: GoldQuestion[] = [];
  return dialogue.steps.map((step, at) => {
    const own = links.get(step.turn.id) ?? [];
    const call = step.callId === undefined ? undefined : dialogue.calls.get(step.callId);
    const kept = threatened(earlier, own, dialogue, at).slice(0, retention);
    earlier.unshift(...own);
    if (call === undefined) return { skipped: step.facts.length === 0 ? "no facts" : "no model decided" };
    if (own.length === 0) return { skipped: "no linked question" };
    // Its prompt showed the tool, and it began the reply with a call: a policy learns to write its operations as text.
    if (call.toolCalls !== undefined) return { skipped: "called a tool" };
    const promptIds = encodeRecorded(policy, call);
    return promptCandidate(policy, step.id, { dialogue, step, promptIds, questions: [...own, ...kept] });
  });
}

/**
 * The questions that rest on a memory which the manager was shown at this step: all that its decision can spoil. Of several that rest on the same
 * turn only the latest counts, since the answer may have changed since the others were asked. Questions are given latest first.
 */
function threatened(
  questions: readonly GoldQuestion[],
  own: readonly GoldQuestion[],
  { events, steps }: RecordedDialogue,
  at: number,
): GoldQuestion[] {
  const { retrieved } = steps[at]!;
  const before = steps.slice(0, at);
  const covered = new Set(own.flatMap((question) => evidenceTurns(question, events)));
  return questions.filter((question) => {
    const turns = evidenceTurns(question, events);
    const current = !turns.some((turn) => covered.has(turn));
    for (const turn of turns) covered.add(turn);
    return current && evidenceHolders(retrieved, turns, before).length > 0;
  });
}
