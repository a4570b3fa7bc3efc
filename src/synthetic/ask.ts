import type { Random } from "../random.js";
import type { Question } from "../trace/episode.js";
import { type Fact, fill } from "./facts.js";
import type { History } from "./gold.js";
import type { Split } from "./lexicon.js";
import { type Asked, detailAsked, questionPhrasings } from "./questions.js";

export type QuestionKind = "single-fact" | "two-fact" | "latest-value" | "when" | "no-longer-true";

/** What a question asks for, for those who answer from facts rather than from text. */
export interface AskedPart {
  readonly speaker: string;
  readonly asked: Asked;
  /** The event's object; absent for attributes. */
  readonly value?: string;
}

export interface SyntheticQuestion extends Question {
  category: QuestionKind;
  gold: string;
  evidence: string[];
  parts: readonly AskedPart[];
}

interface Candidate {
  readonly parts: readonly AskedPart[];
  readonly gold: string;
  readonly evidence: readonly string[];
}

/** About half of the questions depend on updates and retractions. */
export const questionWeights: Readonly<Record<QuestionKind, number>> = {
  "latest-value": 0.3,
  "no-longer-true": 0.2,
  "single-fact": 0.2,
  "two-fact": 0.15,
  when: 0.15,
};
const fewestQuestions = 12;
const mostQuestions = 16;

/** The answer to a question about what does not hold. */
export const nothing = "none";

export function askQuestions(
  random: Random,
  histories: readonly History[],
  split: Split,
  dialogue: string,
): SyntheticQuestion[] {
  const candidates = candidatesByKind(random, histories);
  const wanted = fewestQuestions + random.int(mostQuestions - fewestQuestions + 1);
  const seen = new Set<string>();
  const kinds = Object.keys(questionWeights) as QuestionKind[];
  const drawn = kinds.flatMap((category) => {
    const pool = random.shuffle(candidates[category]);
    const quota = random.round(questionWeights[category] * wanted);
    // Where candidates are few they are asked again in other words; equal texts are dropped.
    return Array.from({ length: pool.length === 0 ? 0 : quota }, (_, i) => pool[i % pool.length] as Candidate).flatMap(
      ({ parts, gold, evidence }) => {
        const text = questionText(random, parts, split);
        if (seen.has(text)) return [];
        seen.add(text);
        return [{ text, gold, category, evidence: [...evidence], parts }];
      },
    );
  });
  return random.shuffle(drawn).map((question, i) => ({ id: `${dialogue}:q${i + 1}`, ...question }));
}

/** Share of the questions along the way that ask for something told before, too. */
const pairShare = 0.25;

/** One question about each thing that a turn told, asked right after it and answered as things then stand. */
export function askAfterTurn(
  random: Random,
  histories: readonly History[],
  turn: string,
  split: Split,
  dialogue: string,
): SyntheticQuestion[] {
  const [told, before] = [true, false].map((now) => histories.filter(({ turns }) => (turns.at(-1) === turn) === now));
  const others = before!.filter(({ fact }) => fact.type === "state");
  return told!.map((history, i) => {
    const { fact, changes } = history;
    const own = (changes > 0 ? detailCandidate(fact, history) : undefined) ?? valueCandidate(history);
    const pair = fact.type === "state" && others.length > 0 && random.chance(pairShare);
    const candidate = pair ? joined(own, valueCandidate(random.pick(others))) : own;
    return {
      id: `${dialogue}:${turn}:q${i + 1}`,
      text: questionText(random, candidate.parts, split),
      gold: candidate.gold,
      category: pair ? "two-fact" : kindOf(history),
      evidence: [...candidate.evidence],
      parts: candidate.parts,
      after: turn,
    };
  });
}

function kindOf({ fact, changes }: History): QuestionKind {
  if (fact.type === "event") return "when";
  if (fact.type === "ended") return "no-longer-true";
  return changes > 0 ? "latest-value" : "single-fact";
}

/** Words of a question; two parts are asked in one sentence. */
export function questionText(random: Random, parts: readonly AskedPart[], split: Split): string {
  return parts
    .map(({ speaker, asked, value }) => fill(random.pick(questionPhrasings(asked, split)), { name: speaker, value }))
    .map((text, i) => (i === 0 ? text : text.charAt(0).toLowerCase() + text.slice(1)))
    .map((text, i) => (i === parts.length - 1 ? text : text.replace(/\?$/, "")))
    .join(" and ");
}

function candidatesByKind(random: Random, histories: readonly History[]): Record<QuestionKind, Candidate[]> {
  const plain = histories.filter(({ fact, changes }) => fact.type === "state" && changes === 0).map(valueCandidate);
  const changed = histories.filter(({ fact, changes }) => fact.type === "state" && changes > 0);
  const current = histories.filter(({ fact }) => fact.type === "state").map(valueCandidate);
  const shuffled = random.shuffle([...plain, ...current]);
  const pairs = shuffled.flatMap((first, i) => {
    const second = shuffled[(i + 1) % shuffled.length] as Candidate;
    return first.parts[0]?.asked === second.parts[0]?.asked ? [] : [joined(first, second)];
  });
  return {
    "single-fact": plain,
    "two-fact": pairs,
    "latest-value": changed.map((history) => detailCandidate(history.fact, history) ?? valueCandidate(history)),
    when: histories.filter(({ fact }) => fact.type === "event").map(valueCandidate),
    "no-longer-true": histories.filter(({ fact }) => fact.type === "ended").map(valueCandidate),
  };
}

function valueCandidate({ fact, turns, time }: History): Candidate {
  const { speaker, value } = fact;
  if (fact.type === "event") return { parts: [{ speaker, asked: fact.event, value }], gold: time, evidence: turns };
  return {
    parts: [{ speaker, asked: fact.attribute }],
    gold: fact.type === "ended" ? nothing : value,
    evidence: turns,
  };
}

/** Asks for the detail where the latest change added one. */
function detailCandidate(fact: Fact, { turns }: History): Candidate | undefined {
  if (fact.type !== "state" || fact.detail === undefined) return undefined;
  const asked = Object.entries(detailAsked).find(([attribute]) => attribute === fact.attribute)?.[1];
  return asked && { parts: [{ speaker: fact.speaker, asked }], gold: fact.detail, evidence: turns };
}

function joined(first: Candidate, second: Candidate): Candidate {
  return {
    parts: [...first.parts, ...second.parts],
    gold: `${first.gold} and ${second.gold}`,
    evidence: [...first.evidence, ...second.evidence],
  };
}
