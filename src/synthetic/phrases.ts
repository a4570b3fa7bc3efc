import type { Attribute, EventKind } from "./facts.js";
import { attributeCells, eventCells } from "./frames.js";
import { type Split, splits } from "./lexicon.js";

/** What a turn does to what is known: these words are also the labels of the gold operations. */
export type StepKind = "new" | "refinement" | "contradiction" | "retraction" | "event" | "repetition";

/** Turn frames for what a step says; a repetition says it in the words of a new fact. */
export function turnFrames(subject: Attribute | EventKind, kind: StepKind, split: Split): readonly string[] {
  const cell = kind === "event" ? eventCells[subject as EventKind] : stateCell(subject as Attribute, kind);
  const [shared = "", ...own] = cell.split(" || ");
  return [shared, own[splits.indexOf(split)] ?? ""].flatMap((sentences) => sentences.split(" | "));
}

function stateCell(attribute: Attribute, kind: Exclude<StepKind, "event">): string {
  const cell = attributeCells[attribute][kind === "repetition" ? "new" : kind];
  if (cell === undefined) throw new RangeError(`${attribute} has no ${kind}`);
  return cell;
}

/** Said before a fact that was told before. */
export const reminders = ["As you know,", "As I told you,", "As I said,", "You may remember:", "I told you before:"];

export const openers = [
  "Hi {other}!",
  "Hello {other}!",
  "Guess what!",
  "Big news!",
  "You know what?",
  "Well, {other}.",
  "Oh, {other}!",
  "Listen.",
  "So, my news.",
  "Good to hear from you!",
];

export const closers = [
  "How are you?",
  "What about you, {other}?",
  "That is all from me.",
  "It makes me happy.",
  "I wanted to tell you.",
  "What do you think?",
  "Life is full of changes.",
  "Talk soon!",
  "It was a long week.",
];

export const smallTalk = [
  "How was your week?",
  "The weather is lovely.",
  "It rained all day long.",
  "I am a bit tired.",
  "Nice to talk to you, {other}.",
  "I slept so well last night.",
  "That sounds great, {other}!",
  "Oh, I see.",
  "Thank you for the kind words!",
  "I hope you are well.",
  "What a day it was!",
  "Tell me more, {other}.",
  "I am glad to hear that.",
  "We should meet soon.",
  "Nothing new from me.",
  "My phone is nearly out of power.",
  "Take care, {other}!",
  "The traffic was bad again.",
];
