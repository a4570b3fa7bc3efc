import type { Dialogue, DialogueTurn } from "../evaluate/dialogue.js";
import type { Operation } from "../memory/bank/operation.js";
import { formatDate } from "../memory/said-now.js";
import { Random } from "../random.js";
import { askAfterTurn, askQuestions, type SyntheticQuestion } from "./ask.js";
import { type Fact, factText, fill } from "./facts.js";
import { GoldBank } from "./gold.js";
import { drawValue, type Split } from "./lexicon.js";
import { closers, openers, reminders, type StepKind, smallTalk, turnFrames } from "./phrases.js";
import { planSpeaker, type Step } from "./plan.js";

export interface SyntheticTurn extends DialogueTurn {
  readonly facts: string[];
  /** What the facts are made of, one for one. */
  readonly told: readonly { readonly kind: StepKind; readonly fact: Fact }[];
  /** The right operations, one per fact; ids name the gold bank's memories "g1", "g2", … in the order of their ADD. */
  readonly operations: Operation[];
}

export interface SyntheticDialogue extends Dialogue {
  turns: SyntheticTurn[];
  questions: SyntheticQuestion[];
}

export interface SyntheticOptions {
  readonly seed: number;
  readonly count: number;
  readonly split: Split;
  readonly sessions?: number;
  readonly turnsPerSession?: number;
  /** Questions at the end, of chosen kinds; or along the way, about each thing after the turn that told it. Default "end". */
  readonly asking?: "end" | "along";
}

/** Seeded dialogues of two speakers; equal options give equal dialogues, and dialogue i does not depend on `count`. */
export function generateDialogues({ count, ...options }: SyntheticOptions): SyntheticDialogue[] {
  return Array.from({ length: count }, (_, index) => generateDialogue(index, options));
}

/** Dialogue number `index` of a seed. */
export function generateDialogue(
  index: number,
  { seed, split, sessions = 5, turnsPerSession = 5, asking = "end" }: Omit<SyntheticOptions, "count">,
): SyntheticDialogue {
  const random = new Random(seed, index);
  const first = drawValue(random, "person", split);
  let second = first;
  while (second === first) second = drawValue(random, "person", split);
  const speakers: [string, string] = [first, second];
  const dates = sessionDates(random, sessions);
  const total = sessions * turnsPerSession;
  const plans = speakers.map((speaker, side) => planSpeaker(random, speaker, split, Math.ceil((total - side) / 2)));
  const id = `${split}-${seed}-${index}`;
  const bank = new GoldBank();
  const along: SyntheticQuestion[] = [];
  const asker = new Random(seed, -1 - index);
  const turns = Array.from({ length: total }, (_, at): SyntheticTurn => {
    const side = at % 2;
    const speaker = speakers[side] as string;
    const session = Math.floor(at / turnsPerSession);
    const turn = {
      id: `D${session + 1}:${(at % turnsPerSession) + 1}`,
      speaker,
      session: session + 1,
      time: dates[session] as string,
    };
    const steps = plans[side]?.[Math.floor(at / 2)] ?? [];
    const said = {
      ...turn,
      text: say(random, steps, speakers[1 - side] as string, split),
      facts: steps.map(({ fact }) => factText(fact)),
      told: steps.map(({ kind, fact }) => ({ kind, fact })),
      operations: steps.map((step) => bank.apply(step, turn)),
    };
    if (asking === "along") along.push(...askAfterTurn(asker, bank.histories(), turn.id, split, id));
    return said;
  });
  const questions = asking === "along" ? along : askQuestions(random, bank.histories(), split, id);
  return { id, speakers, turns, questions };
}

/** Rising dates, some days to some weeks apart. */
function sessionDates(random: Random, sessions: number): string[] {
  let day = Date.UTC(2021 + random.int(4), random.int(12), 1 + random.int(28)) / 86_400_000;
  return Array.from({ length: sessions }, () => {
    day += 2 + random.int(45);
    return formatDate(new Date(day * 86_400_000));
  });
}

/** Probabilities of chit-chat before and after what a turn has to say. */
const openerShare = 0.3;
const closerShare = 0.25;

function say(random: Random, steps: readonly Step[], other: string, split: Split): string {
  if (steps.length === 0) {
    const said = random.shuffle(smallTalk).slice(0, 1 + random.int(2));
    return said.map((sentence) => fill(sentence, { other })).join(" ");
  }
  const sentences = steps.map((step) => sentence(random, step, split));
  if (random.chance(openerShare)) sentences.unshift(fill(random.pick(openers), { other }));
  if (random.chance(closerShare)) sentences.push(fill(random.pick(closers), { other }));
  return sentences.join(" ");
}

function sentence(random: Random, { kind, fact, old }: Step, split: Split): string {
  const subject = fact.type === "event" ? fact.event : fact.attribute;
  const detail = fact.type === "state" ? fact.detail : undefined;
  const said = fill(random.pick(turnFrames(subject, kind, split)), { value: fact.value, detail, old });
  if (kind === "repetition") return `${random.pick(reminders)} ${said}`;
  return said.charAt(0).toUpperCase() + said.slice(1);
}
