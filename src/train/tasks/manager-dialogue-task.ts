import { InMemoryStore } from "@langchain/langgraph";
import { mean } from "../../mean.js";
import { MemoryBank } from "../../memory/bank/bank.js";
import type { Operation } from "../../memory/bank/operation.js";
import { countOperations } from "../../memory/bank/operation-counts.js";
import { retrievalSetting, retrieveForManager } from "../../memory/bank/retrieve.js";
import { applyDecision, buildManagerPrompt } from "../../memory/decision.js";
import { OverlayStore } from "../../store/overlay-store.js";
import { CachedEmbeddings } from "../../store/search/cached-embeddings.js";
import type { GoldQuestion, MemoryStep } from "../../trace/episode.js";
import type { Rollout, RolloutGroup, RolloutOptions, Sample, Task } from "../rollout.js";
import { encodeMessages, fits, responseText, sample, toSample } from "../rollout-context.js";
import { streamSeed } from "../seeds.js";
import { type InquiryScore, outcomeOf, scoreInquiries } from "./answering.js";
import { type Candidate, itemsOf, recordedFields } from "./candidates.js";
import type { RecordedDialogue } from "./links.js";
import type { ManagerTaskOptions } from "./manager-decision-task.js";
import { replayOptions } from "./replay-options.js";

/**
 * The Memory Manager's task in the paper's second form: each attempt starts from an empty bank and processes all recorded
 * turns. The frozen Answer Agent answers the conversation's questions, each after the turn that it follows, else at the
 * end; the mean score is the outcome of every decision on the way.
 */
export function managerDialogueTask(dialogues: readonly RecordedDialogue[], options: ManagerTaskOptions): Task {
  const { policy, adapter, answerer, reward } = options;
  const embeddings = new CachedEmbeddings(policy.embeddings);
  const chosen = itemsOf(
    dialogues.map(candidateOf),
    "conversations with facts and with questions that have gold answers",
  );
  const { items } = chosen;

  async function rollouts(
    ids: readonly string[],
    { groupSize, temperature, seed }: RolloutOptions,
  ): Promise<RolloutGroup[]> {
    const lives = ids.flatMap((id) =>
      Array.from({ length: groupSize }, (_, attempt) => newLife(id, items.get(id)!, attempt)),
    );
    const longest = Math.max(...lives.map(({ steps }) => steps.length));
    for (let turn = 0; turn < longest; turn++) {
      const living = lives.filter(({ steps }) => turn < steps.length);
      await ask(living, () => turn);
      await decide(living, turn, temperature, seed);
    }
    await ask(lives, ({ steps }) => steps.length);
    const finished = lives.map((life): Rollout => {
      const { outcome, skippedCalls } = outcomeOf(life.scores);
      return {
        samples: life.samples,
        outcome,
        format: mean(life.readable.map(Number)),
        operations: countOperations(life.operations),
        skippedCalls: life.skippedCalls + skippedCalls,
      };
    });
    return ids.map((item, i) => ({ item, rollouts: finished.slice(i * groupSize, (i + 1) * groupSize) }));
  }

  /** The questions that are asked of each attempt after so many decisions, together. */
  async function ask(lives: readonly Life[], decided: (life: Life) => number): Promise<void> {
    const asked = lives.flatMap((life) =>
      life.questions.filter(({ after }) => after === decided(life)).map(({ question }) => ({ life, question })),
    );
    const inquiries = asked.map(({ life: { bank, speakers }, question }) => ({ bank, speakers, question }));
    const scores = await scoreInquiries(policy, answerer, inquiries, reward);
    for (const [i, { life }] of asked.entries()) life.scores.push(scores[i]!);
  }

  /** One decision of each attempt, sampled together. */
  async function decide(living: readonly Life[], turn: number, temperature: number, seed: number): Promise<void> {
    const made = await Promise.all(
      living.map(async (life) => {
        const step = life.steps[turn]!;
        const retrieved = await retrieveForManager(life.bank, step.facts, step.turn, { search: policy.search });
        const messages = buildManagerPrompt(policy.prompts, { turn: step.turn, facts: step.facts, retrieved });
        return { life, step, retrieved, promptIds: encodeMessages(policy, messages) };
      }),
    );
    // A bank that has grown too large to be read is left as it is: nothing is decided there.
    const [asked, unread] = parted(made, ({ promptIds }) => fits(policy, promptIds));
    for (const { life } of unread) life.skippedCalls += 1;
    const prompts = asked.map(({ promptIds }) => promptIds);
    const seeds = asked.map(({ life: { id, attempt } }) => streamSeed(seed, id, attempt, turn));
    const generations = await sample(policy, adapter, prompts, { count: 1, temperature, seeds });
    await Promise.all(
      asked.map(async ({ life, step, retrieved, promptIds }, i) => {
        const generation = generations[i]![0]!;
        const text = responseText(policy, generation);
        const applied = await applyDecision(life.bank, text, retrieved, step.turn, replayOptions(step, policy));
        life.samples.push(toSample(promptIds, generation));
        life.readable.push(applied.unparsable === null);
        life.operations.push(...applied.operations);
      }),
    );
  }

  function newLife(id: string, dialogue: RecordedDialogue, attempt: number): Life {
    const { namespace, speakers, steps, questions } = dialogue;
    const store = new OverlayStore(new InMemoryStore(), { embeddings, fields: ["text"] });
    return {
      id,
      attempt,
      bank: new MemoryBank({ store, namespace }),
      speakers,
      steps: steps.filter(hasFacts),
      questions: questions.map((question) => ({ question, after: decisionsBefore(question, steps) })),
      scores: [],
      samples: [],
      readable: [],
      operations: [],
      skippedCalls: 0,
    };
  }

  return {
    name: "manager",
    ...recordedFields(dialogues, chosen),
    retrieval: retrievalSetting(policy),
    rollouts,
  };
}

function candidateOf(dialogue: RecordedDialogue): Candidate<RecordedDialogue> {
  if (dialogue.questions.length === 0) return { skipped: "no gold answer" };
  if (!dialogue.steps.some(hasFacts)) return { skipped: "no facts" };
  return { id: JSON.stringify(dialogue.namespace), item: dialogue };
}

const hasFacts = ({ facts }: MemoryStep): boolean => facts.length > 0;

/** How many decisions a question follows: all, unless it is asked after a turn that was recorded. */
function decisionsBefore({ after }: GoldQuestion, steps: readonly MemoryStep[]): number {
  const at = steps.findIndex(({ turn }) => turn.id === after);
  return steps.slice(0, at === -1 ? undefined : at + 1).filter(hasFacts).length;
}

/** Those that pass, and the others. */
function parted<Value>(values: readonly Value[], passes: (value: Value) => boolean): [Value[], Value[]] {
  return [values.filter(passes), values.filter((value) => !passes(value))];
}

/** One attempt on its way through a conversation. */
interface Life {
  readonly id: string;
  readonly attempt: number;
  readonly bank: MemoryBank;
  readonly speakers: readonly string[];
  readonly steps: readonly MemoryStep[];
  /** With the number of decisions that each is asked after. */
  readonly questions: readonly { readonly question: GoldQuestion; readonly after: number }[];
  readonly scores: InquiryScore[];
  readonly samples: Sample[];
  readonly readable: boolean[];
  readonly operations: Operation[];
  skippedCalls: number;
}
