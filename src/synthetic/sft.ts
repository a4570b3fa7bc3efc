import { compactPrompts, quotedByManager } from "../memory/prompts/compact-prompts.js";
import { Random } from "../random.js";
import { answerExample } from "./answers.js";
import { generateDialogue, type SyntheticDialogue } from "./dialogue.js";
import { chatMessages, retrieved, type SftExample, type SftRole } from "./example.js";
import { type Fact, factText, statementOfNothing } from "./facts.js";
import {
  addOnlyHabits,
  type Decision,
  decide,
  type Habits,
  type KnownMemory,
  naiveHabits,
  rightHabits,
} from "./naive.js";

export interface SftOptions {
  readonly seed: number;
  /** Number of examples; without it they never end. */
  readonly count?: number;
  /** Of the three roles among the examples. */
  readonly shares?: Readonly<Record<SftRole, number>>;
}

const roleShares = { extractor: 0.2, manager: 0.4, answerer: 0.4 };

/** How the banks that prompts show have come about: messy, fixed, and never fixed. */
const bankShares = { naive: 0.55, right: 0.25, addOnly: 0.2 };
const bankHabits: Readonly<Record<keyof typeof bankShares, Habits>> = {
  naive: naiveHabits,
  right: rightHabits,
  addOnly: addOnlyHabits,
};

/** Answer examples per dialogue over its last bank, and over the bank after a turn in its middle. */
const answersAtEnd = 12;
const answersWithin = 12;
/** Memories per fact in a manager's prompt: the default of retrieval, and some fewer. */
const memoriesPerFact = [3, 4, 5, 5, 5, 5];
/** Dialogues whose examples are shuffled together, so that a batch does not ask one bank again and again. */
const mixedDialogues = 20;
/** How far chance may disturb the word overlap by which related memories come first. */
const retrievalNoise = 0.35;

/** Supervised examples of the three roles over the pretraining world, in the compact prompt formats. */
export function* generateSftExamples({
  seed,
  count = Number.POSITIVE_INFINITY,
  shares = roleShares,
}: SftOptions): Generator<SftExample> {
  const random = new Random(seed, -1);
  const queues: Record<SftRole, SftExample[]> = { extractor: [], manager: [], answerer: [] };
  let dialogues = 0;
  for (let made = 0; made < count; made++) {
    const role = random.weighted(shares);
    while (queues[role].length === 0) {
      const examples = Array.from({ length: mixedDialogues }, () => {
        const size = { sessions: 1 + random.int(6), turnsPerSession: 3 + random.int(4) };
        return dialogueExamples(random, generateDialogue(dialogues++, { seed, split: "pretrain", ...size }));
      });
      // The roles use their examples up at different speeds: what is left over is dropped.
      Object.assign(queues, shuffledByRole(random, examples.flat()));
    }
    yield queues[role].pop() as SftExample;
  }
}

function shuffledByRole(random: Random, examples: readonly SftExample[]): Record<SftRole, SftExample[]> {
  const ofRole = (role: SftRole): SftExample[] => random.shuffle(examples.filter((example) => example.role === role));
  return { extractor: ofRole("extractor"), manager: ofRole("manager"), answerer: ofRole("answerer") };
}

/** Walks through a dialogue with a bank that some habit keeps, and asks all three roles on the way. */
function dialogueExamples(random: Random, dialogue: SyntheticDialogue): SftExample[] {
  const examples: SftExample[] = [];
  const habits = bankHabits[random.weighted(bankShares)];
  const askedAfter = Array.from({ length: answersWithin }, () => random.int(dialogue.turns.length));
  let bank: KnownMemory[] = [];
  for (const [order, turn] of dialogue.turns.entries()) {
    examples.push({
      role: "extractor",
      messages: chatMessages(compactPrompts.extract(turn)),
      response: JSON.stringify({ facts: turn.facts }),
    });
    if (turn.facts.length > 0) {
      const facts = turn.told.map(({ fact }) => fact);
      const shown = nearest(
        random,
        bank.filter((memory) => memory.fact.speaker === turn.speaker),
        facts,
      );
      const prompt = compactPrompts.manage({ turn, facts: turn.facts, retrieved: retrieved(shown) });
      const decisions = decide(random, facts, shown, naiveHabits);
      examples.push({ role: "manager", messages: chatMessages(prompt), response: managerResponse(decisions, shown) });
      const applied = habits === naiveHabits ? decisions : decide(random, facts, shown, habits);
      bank = changed(bank, shown, applied, { time: turn.time, source: turn.id, order });
    }
    for (const after of askedAfter) if (after === order) examples.push(answerExample(random, dialogue, bank));
  }
  for (let i = 0; i < answersAtEnd; i++) examples.push(answerExample(random, dialogue, bank));
  return examples;
}

/** The operations as JSON, each after the memory that it was decided by. */
function managerResponse(decisions: readonly Decision[], shown: readonly KnownMemory[]): string {
  const operations = decisions.map(({ fact, nearest, operation }) => {
    const memory = nearest === undefined ? undefined : shown[nearest];
    const near =
      memory === undefined
        ? statementOfNothing(fact)
        : quotedByManager({ alias: `m${(nearest as number) + 1}`, text: factText(memory.fact) });
    return { near, ...operation };
  });
  return JSON.stringify({ operations });
}

/** The memories with most words in common with one of the facts, nearest first, as a lexical retriever lists them. */
function nearest(random: Random, bank: readonly KnownMemory[], facts: readonly Fact[]): KnownMemory[] {
  const best = new Map<KnownMemory, number>();
  for (const fact of facts) {
    const words = new Set(factText(fact).split(" "));
    const scored = bank.map((memory) => {
      const common = factText(memory.fact)
        .split(" ")
        .filter((word) => words.has(word)).length;
      return { memory, score: common / words.size + retrievalNoise * random.next() };
    });
    for (const { memory, score } of scored.sort((a, b) => b.score - a.score).slice(0, random.pick(memoriesPerFact))) {
      best.set(memory, Math.max(score, best.get(memory) ?? 0));
    }
  }
  return [...best].sort((a, b) => b[1] - a[1]).map(([memory]) => memory);
}

function changed(
  bank: readonly KnownMemory[],
  shown: readonly KnownMemory[],
  decisions: readonly Decision[],
  at: Omit<KnownMemory, "fact">,
): KnownMemory[] {
  let after = [...bank];
  for (const { operation, fact } of decisions) {
    if (operation.event === "NOOP") continue;
    const target = operation.event === "ADD" ? undefined : shown[Number(operation.id.slice(1)) - 1];
    after = after.filter((memory) => memory !== target);
    // An updated memory is listed where its last change was.
    if (operation.event !== "DELETE") after.push({ fact, ...at });
  }
  return after;
}
