import type { Random } from "../random.js";
import { type Attribute, attributeNames, attributes, type EventKind, eventNames, events, type Fact } from "./facts.js";
import { drawValue, type LexiconKind, type Split } from "./lexicon.js";
import type { StepKind } from "./phrases.js";

/** One thing that a speaker tells, and what it does to what was known. */
export interface Step {
  readonly kind: StepKind;
  readonly fact: Fact;
  /** The value that held before, for contradictions and retractions. */
  readonly old?: string;
}

/** Stories per turn of a speaker; the rest of the turns is small talk. */
const storiesPerTurn = { changed: 0.17, ended: 0.125, kept: 0.17, event: 0.13 };
/** Probability that a story of a single-valued attribute repeats one of its facts. */
const repetitionShare = 0.1;
/** Probability that a change of a refinable attribute refines it rather than contradicts it. */
const refinementShare = 0.5;
/** Probability that an ended story had a change first. */
const changeBeforeEndShare = 0.2;
/** Probability that a changed story changes twice. */
const secondChangeShare = 0.25;

/** What one speaker will tell, as the list of steps for each of `turns` turns (0, 1 or 2 steps). */
export function planSpeaker(random: Random, speaker: string, split: Split, turns: number): Step[][] {
  const count = (share: number): number => random.round(share * turns);
  const subjects = random.shuffle(attributeNames);
  const take = (wanted: number): Attribute[] => subjects.splice(0, wanted);
  const stories = [
    ...take(count(storiesPerTurn.changed)).map((attribute) => changedStory(random, speaker, attribute, split)),
    ...take(count(storiesPerTurn.ended)).map((attribute) => endedStory(random, speaker, attribute, split)),
    ...take(count(storiesPerTurn.kept)).map((attribute) => [newStep(random, speaker, attribute, split)]),
    ...eventStories(random, speaker, split, count(storiesPerTurn.event)),
  ].map((story) => withRepetition(random, story));
  return spread(random, interleave(random, fitting(random.shuffle(stories), turns)), turns);
}

/** Leaves out stories until nearly every step has a turn of its own. */
function fitting(stories: readonly Step[][], turns: number): Step[][] {
  let left = turns + Math.floor(turns / 10);
  return stories.filter((story) => {
    if (story.length > left) return false;
    left -= story.length;
    return true;
  });
}

function draw(random: Random, kind: LexiconKind, split: Split, taken: readonly (string | undefined)[]): string {
  for (;;) {
    const value = drawValue(random, kind, split);
    if (!taken.includes(value)) return value;
  }
}

function newStep(random: Random, speaker: string, attribute: Attribute, split: Split): Step {
  const value = draw(random, attributes[attribute].values, split, []);
  return { kind: "new", fact: { type: "state", speaker, attribute, value } };
}

function change(random: Random, before: Step, split: Split): Step {
  if (before.fact.type !== "state") throw new RangeError("only a state can change");
  const { speaker, attribute, value, detail } = before.fact;
  const { values, refinement } = attributes[attribute];
  if (refinement !== undefined && detail === undefined && random.chance(refinementShare)) {
    const added = draw(random, refinement.details, split, [speaker]);
    return { kind: "refinement", fact: { type: "state", speaker, attribute, value, detail: added } };
  }
  const next = draw(random, values, split, [value]);
  return { kind: "contradiction", fact: { type: "state", speaker, attribute, value: next }, old: value };
}

function changedStory(random: Random, speaker: string, attribute: Attribute, split: Split): Step[] {
  const first = newStep(random, speaker, attribute, split);
  const second = change(random, first, split);
  return random.chance(secondChangeShare) ? [first, second, change(random, second, split)] : [first, second];
}

function endedStory(random: Random, speaker: string, attribute: Attribute, split: Split): Step[] {
  const first = newStep(random, speaker, attribute, split);
  const story = random.chance(changeBeforeEndShare) ? [first, change(random, first, split)] : [first];
  const { value } = (story.at(-1) ?? first).fact;
  return [...story, { kind: "retraction", fact: { type: "ended", speaker, attribute, value }, old: value }];
}

function eventStories(random: Random, speaker: string, split: Split, wanted: number): Step[][] {
  const taken: string[] = [];
  return Array.from({ length: wanted }, () => {
    const event: EventKind = random.pick(eventNames);
    const value = draw(random, events[event].values, split, taken);
    taken.push(value);
    return [{ kind: "event", fact: { type: "event", speaker, event, value } }];
  });
}

function withRepetition(random: Random, story: readonly Step[]): Step[] {
  const at = random.int(story.length);
  const told = story[at]?.fact;
  if (told?.type !== "state" || !random.chance(repetitionShare)) return [...story];
  const { detail: _, ...plain } = told;
  return [...story.slice(0, at + 1), { kind: "repetition", fact: plain }, ...story.slice(at + 1)];
}

/** Mixes the stories, each in its own order. */
function interleave(random: Random, stories: readonly (readonly Step[])[]): Step[] {
  return stories
    .flatMap((story) => {
      const times = story.map(() => random.next()).sort((a, b) => a - b);
      return story.map((step, i) => ({ step, time: times[i] as number }));
    })
    .sort((a, b) => a.time - b.time)
    .map(({ step }) => step);
}

function subjectOf(step: Step): string {
  return step.fact.type === "event" ? step.fact.event : step.fact.attribute;
}

/** Share of the turns that carry two facts even where there are turns enough. */
const doubleShare = 0.08;

/** Deals the steps out to the turns in order: mostly one each, never two of one subject in a turn. */
function spread(random: Random, steps: readonly Step[], turns: number): Step[][] {
  const needed = Math.max(0, steps.length - turns);
  const wished = Math.max(needed, Math.min(random.round(doubleShare * turns), Math.floor(steps.length / 2)));
  for (let attempt = 0; ; attempt++) {
    const doubles = attempt < 20 ? wished : needed;
    const empty = turns - (steps.length - doubles);
    const sizes = random.shuffle(
      Array.from({ length: turns }, (_, i) => (i < doubles ? 2 : i < doubles + empty ? 0 : 1)),
    );
    let at = 0;
    const dealt = sizes.map((size) => {
      at += size;
      return steps.slice(at - size, at);
    });
    if (dealt.every(([first, second]) => !first || !second || subjectOf(first) !== subjectOf(second))) return dealt;
  }
}
