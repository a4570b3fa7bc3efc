import type { Dialogue } from "../../src/evaluate/dialogue.js";
import { playDialogues } from "../../src/evaluate/play.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { ChatOnnx } from "../../src/model/chat/chat-onnx.js";
import { LexicalEmbeddings } from "../../src/store/search/lexical-embeddings.js";
import { type EpisodeEvent, episodeEventSchema } from "../../src/trace/episode.js";
import { EpisodeRecorder } from "../../src/trace/recorder.js";
import type { RolloutContext } from "../../src/train/rollout-context.js";
import { newStore } from "../evaluate/played-world.js";
import { operations } from "../memory/scripted-model.js";
import { byteTokenizer } from "../model/fake-engine.js";
import { type ScriptedCall, ScriptedEngine } from "./scripted-engine.js";

export const turn = (id: string, speaker: string, ...facts: string[]) => ({
  id,
  speaker,
  text: facts.join(" ") || "Hello.",
  time: "7 May 2023",
  session: 1,
  facts,
});

/** Two conversations with the same turn ids; what is asked of one is not told in the other. */
export const world: readonly Dialogue[] = [
  {
    id: "one",
    speakers: ["Ana", "Bo"],
    turns: [
      turn("D1:1", "Ana", "Ana has a cat"),
      turn("D1:2", "Bo"),
      turn("D1:3", "Ana", "Ana lives in Rome"),
      turn("D1:4", "Ana", "Ana has a dog"),
    ],
    questions: [
      { id: "cat", text: "Which pet came first?", gold: "cat", evidence: ["D1:1"] },
      { id: "home", text: "Where is home?", gold: "Rome", evidence: ["D1:3"] },
      { id: "pets", text: "Which pets are there?", gold: "cat dog", evidence: ["D1:1", "D1:4"] },
    ],
  },
  {
    id: "two",
    speakers: ["Cy", "Di"],
    turns: [turn("D1:1", "Cy", "Cy paints owls"), turn("D1:2", "Di"), turn("D1:3", "Di", "Di sings")],
    questions: [{ id: "owls", text: "What does Cy paint?", gold: "owls", evidence: ["D1:1"] }],
  },
];

const goldsOf = (dialogues: readonly Dialogue[]) =>
  new Map(dialogues.flatMap(({ questions }) => questions.map(({ text, gold = "" }) => [text, gold] as const)));

const questionOf = (prompt: string): string => /Question: (.*)/.exec(prompt)![1]!;

/** The Answer Agent: right where its memories hold every word of the gold answer. */
export function answerFromMemories(prompt: string, dialogues: readonly Dialogue[] = world): string {
  const memories = prompt
    .split("\n")
    .filter((line) => / m\d+$/.test(line))
    .join("\n");
  const gold = goldsOf(dialogues).get(questionOf(prompt))!;
  const known = gold.split(" ").every((word) => memories.includes(word));
  return `Memories: ${aliasOf(prompt, gold.split(" ")[0]!) ?? "m1"}\n**Answer:** ${known ? gold : "unknown"}`;
}

export const factsOf = (prompt: string): string[] => [...prompt.matchAll(/^- (.*)$/gm)].map((match) => match[1]!);

export const addFacts = (prompt: string): string =>
  operations(...factsOf(prompt).map((text) => ({ event: "ADD", text })));

/** The alias under which a prompt shows the memory that holds a word. */
export const aliasOf = (prompt: string, word: string): string | undefined =>
  prompt.split("\n").flatMap((line) => (line.includes(word) ? (/ (m\d+)$/.exec(line)?.[1] ?? []) : []))[0];

/** What the graphs record when a model that keeps every fact plays the world. */
export const recordWorld = (): Promise<EpisodeEvent[]> => play(world, addFacts);

/** What they record of other conversations, and another manager. */
export async function play(
  dialogues: readonly Dialogue[],
  manage: (prompt: string) => string,
): Promise<EpisodeEvent[]> {
  const events: EpisodeEvent[] = [];
  const recorder = new EpisodeRecorder({ write: (line) => events.push(episodeEventSchema.parse(JSON.parse(line))) });
  const engine = new ScriptedEngine(({ prompt }) =>
    prompt.startsWith("system: manage") ? manage(prompt) : answerFromMemories(prompt, dialogues),
  );
  const model = new ChatOnnx({ engine, tokenizer: byteTokenizer, maxNewTokens: 500 });
  const agents = { manager: model, answerer: model, prompts: compactPrompts };
  await playDialogues(dialogues, agents, { store: newStore(), recorder });
  return events;
}

/** A policy whose trained adapters speak as scripted; without an adapter it is the frozen answerer. */
export function scriptedPolicy(
  respond: (call: ScriptedCall) => string,
  dialogues: readonly Dialogue[] = world,
): RolloutContext & { readonly engine: ScriptedEngine } {
  return {
    engine: new ScriptedEngine((call) =>
      call.adapter === undefined ? answerFromMemories(call.prompt, dialogues) : respond(call),
    ),
    tokenizer: byteTokenizer,
    prompts: compactPrompts,
    embeddings: new LexicalEmbeddings(),
    maxNewTokens: 500,
  };
}

/** The questions that the frozen answerer was asked. */
export const questionsAsked = ({ engine }: { readonly engine: ScriptedEngine }): string[] =>
  engine.asked.flatMap(({ prompt, adapter }) => (adapter === undefined ? [questionOf(prompt)] : []));
