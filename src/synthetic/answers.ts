import { compactPrompts, quotedByAnswerer } from "../memory/prompts/compact-prompts.js";
import type { Random } from "../random.js";
import type { RetrievedMemory } from "../trace/episode.js";
import { type AskedPart, nothing, questionText } from "./ask.js";
import type { SyntheticDialogue } from "./dialogue.js";
import { chatMessages, retrieved, type SftExample } from "./example.js";
import { type Attribute, attributeNames, type Fact, statementOfNothing } from "./facts.js";
import type { KnownMemory } from "./naive.js";
import { detailAsked } from "./questions.js";

/** Where memories of one thing disagree, the base model believes the oldest this often, else the newest. */
const oldestShare = 0.6;
/** Share of the answer examples with two questions in one. */
const twoPartShare = 0.2;
/** Share of the questions that no memory answers. */
const unknownShare = 0.1;
/** Share of the prompts with memories of only those speakers whom the question names, as the tour retrieves them. */
const namedOnlyShare = 0.8;
/** Memories of each speaker in a prompt: the tour retrieves 4, and other numbers should work too. */
const memoriesPerSpeaker = [2, 3, 4, 4, 4, 4, 4, 8];
/** Share of the memories with a detail whose detail is asked for. */
const detailShare = 0.6;

/** A question about a bank, with the answer that the base model learns. */
export function answerExample(
  random: Random,
  { speakers }: SyntheticDialogue,
  bank: readonly KnownMemory[],
): SftExample {
  const parts = [drawPart(random, speakers, bank)];
  if (random.chance(twoPartShare)) {
    const second = drawPart(random, speakers, bank);
    if (second.asked !== parts[0]?.asked) parts.push(second);
  }
  const limit = random.pick(memoriesPerSpeaker);
  const named = parts.map(({ speaker }) => speaker);
  const asked = random.chance(namedOnlyShare) ? speakers.filter((speaker) => named.includes(speaker)) : speakers;
  const listed = asked.flatMap((speaker) => {
    const own = bank.filter(({ fact }) => fact.speaker === speaker);
    return nearest(random, own, parts, limit);
  });
  const shown = retrieved(listed);
  const answers = parts.map((part) => naiveAnswer(random, part, listed));
  const used = [...new Set(answers.map(({ at }, i) => quote(parts[i]!, at === undefined ? undefined : shown[at])))];
  const question = questionText(random, parts, "pretrain");
  return {
    role: "answerer",
    messages: chatMessages(compactPrompts.answer({ question, retrieved: shown })),
    response: `Memories: ${used.join("; ")}\n**Answer:** ${answers.map(({ text }) => text).join(" and ")}`,
  };
}

/** The memory word for word; where there is none, the words that it would begin with, and "nothing". */
function quote({ speaker, asked }: AskedPart, memory: RetrievedMemory | undefined): string {
  if (memory !== undefined) return quotedByAnswerer(memory);
  const attribute = attributeNames.find((name) => name === asked) ?? attributeOfDetail(asked);
  return statementOfNothing({ type: "state", speaker, attribute, value: "" });
}

function attributeOfDetail(asked: AskedPart["asked"]): Attribute {
  const found = Object.entries(detailAsked).find(([, detail]) => detail === asked);
  if (found === undefined) throw new RangeError(`${asked} is no detail`);
  return found[0] as Attribute;
}

/** The memories that answer, and others by chance up to the limit, in the bank's order: what a retriever would list. */
function nearest(
  random: Random,
  bank: readonly KnownMemory[],
  parts: readonly AskedPart[],
  limit: number,
): KnownMemory[] {
  const answering = bank.filter((memory) => parts.some((part) => answerOf(memory, part) !== undefined));
  const others = random.shuffle(bank.filter((memory) => !answering.includes(memory)));
  const chosen = new Set([...answering, ...others].slice(0, Math.max(limit, answering.length)));
  return bank.filter((memory) => chosen.has(memory));
}

function drawPart(random: Random, speakers: readonly string[], bank: readonly KnownMemory[]): AskedPart {
  if (bank.length === 0 || random.chance(unknownShare)) {
    return { speaker: random.pick(speakers), asked: random.pick(attributeNames) };
  }
  const { fact } = random.pick(bank);
  const { speaker, value } = fact;
  if (fact.type === "event") return { speaker, asked: fact.event, value };
  const asksDetail = fact.type === "state" && fact.detail !== undefined && random.chance(detailShare);
  return { speaker, asked: asksDetail ? detailOf(fact.attribute) : fact.attribute };
}

function detailOf(attribute: string): AskedPart["asked"] {
  const found = Object.entries(detailAsked).find(([key]) => key === attribute);
  if (found === undefined) throw new RangeError(`${attribute} has no detail`);
  return found[1];
}

/** The answer that one memory gives to a question; undefined where it says nothing about it. */
function answerOf({ fact, time }: KnownMemory, { speaker, asked, value }: AskedPart): string | undefined {
  if (fact.speaker !== speaker) return undefined;
  if (fact.type === "event") return fact.event === asked && fact.value === value ? time : undefined;
  if (asked === fact.attribute) return fact.type === "ended" ? nothing : fact.value;
  if (asked !== detailKey(fact)) return undefined;
  return fact.type === "ended" ? nothing : fact.detail;
}

function detailKey(fact: Exclude<Fact, { type: "event" }>): string | undefined {
  return Object.entries(detailAsked).find(([attribute]) => attribute === fact.attribute)?.[1];
}

interface NaiveAnswer {
  readonly text: string;
  /** Place of the memory that was believed. */
  readonly at?: number;
}

function naiveAnswer(random: Random, part: AskedPart, bank: readonly KnownMemory[]): NaiveAnswer {
  const found = bank.flatMap((memory, at) => {
    const text = answerOf(memory, part);
    return text === undefined ? [] : [{ text, at }];
  });
  const [oldest, newest] = [found[0], found.at(-1)];
  if (oldest === undefined || newest === undefined) return { text: nothing };
  // Memories of a speaker are listed oldest first, and all that answer a question are of one speaker.
  const agree = found.every(({ text }) => text === oldest.text);
  return agree || random.chance(oldestShare) ? oldest : newest;
}
