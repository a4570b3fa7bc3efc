import type { BaseMessage } from "@langchain/core/messages";
import type { RetrievedMemory, Turn } from "../../trace/episode.js";
import { oneLine } from "../text.js";

export interface ManagePromptInput {
  readonly turn: Turn;
  readonly facts: readonly string[];
  /** Nearest first, as `retrieveForManager` gives them. */
  readonly retrieved: readonly RetrievedMemory[];
}

export interface AnswerPromptInput {
  readonly question: string;
  /** Grouped by speaker, as `retrieveForAnswer` gives them. */
  readonly retrieved: readonly RetrievedMemory[];
}

/** The prompts of each role. All styles ask for the output formats that `parse.ts` reads. */
export interface MemoryPrompts {
  extract(turn: Turn): BaseMessage[];
  manage(input: ManagePromptInput): BaseMessage[];
  answer(input: AnswerPromptInput): BaseMessage[];
}

/** `{time} {speaker}: {text}` */
export function describeTurn({ time, speaker, text }: Turn): string {
  return `${oneLine(time)} ${oneLine(speaker)}: ${oneLine(text)}`;
}

/** The facts, then the memories under their aliases. */
export function describeDecision(
  { turn, facts, retrieved }: ManagePromptInput,
  describe: (memory: RetrievedMemory) => string,
): string {
  const known = retrieved.length === 0 ? ["(none)"] : retrieved.map(describe);
  return [
    `Facts (${oneLine(turn.speaker)}, ${oneLine(turn.time)}):`,
    ...facts.map((fact) => `- ${oneLine(fact)}`),
    "Memories:",
    ...known,
  ].join("\n");
}

/** The memories under a header for each speaker, a line each, then the question. */
export function describeQuestion(
  { question, retrieved }: AnswerPromptInput,
  describe: (memory: RetrievedMemory) => string = describeWithWords,
): string {
  const lines = retrieved.length === 0 ? ["Memories:", "(none)"] : [];
  let speaker: string | undefined;
  for (const memory of retrieved) {
    if (memory.speaker !== speaker) {
      speaker = memory.speaker;
      lines.push(`Memories of ${oneLine(speaker)}:`);
    }
    lines.push(describe(memory));
  }
  return [...lines, `Question: ${oneLine(question)}`].join("\n");
}

/** As `describeMemory`, with the speaker's words where the memory has them. */
function describeWithWords(memory: RetrievedMemory): string {
  const line = describeMemory(memory);
  return memory.said === undefined ? line : `${line} "${oneLine(memory.said)}"`;
}

/** `{alias} ({time}): {text}` */
export function describeMemory({ alias, time, text }: RetrievedMemory): string {
  return `${alias} (${oneLine(time)}): ${oneLine(text)}`;
}
