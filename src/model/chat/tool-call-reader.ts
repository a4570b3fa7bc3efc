import type { ToolCallChunk } from "@langchain/core/messages";
import { z } from "zod";
import { tryJson } from "../../json-file.js";
import { CALL_CLOSE, CALL_OPEN } from "../checkpoint/chat-template.js";

export interface ReadPiece {
  readonly text: string;
  readonly calls: readonly ToolCallChunk[];
}

const callSchema = z.object({
  name: z.string().min(1),
  arguments: z.union([
    z.record(z.string(), z.unknown()),
    // Some models write the arguments as JSON in a string.
    z.string().transform((text, context) => {
      const value = tryJson(text);
      if (value !== null && typeof value === "object" && !Array.isArray(value)) return value;
      context.addIssue("no object");
      return z.NEVER;
    }),
  ]),
});

/**
 * Parts a reply into text and tool calls, piece by piece: text that may yet begin a call is held back, a call is given out when it is whole.
 * What stands in a call's place and is none, or is cut off, becomes a chunk that LangChain takes for an invalid tool call.
 */
export class ToolCallReader {
  readonly #id: string;
  #held = "";
  #inside = false;
  /** Whether no text came since the last call. */
  #afterCall = false;
  #count = 0;

  /** @param id of the reply: each call's id begins with it. */
  constructor(id: string) {
    this.#id = id;
  }

  push(more: string): ReadPiece {
    return this.#read(this.#held + more, endOfCall);
  }

  #read(reply: string, closing: (source: string) => number): ReadPiece {
    let rest = reply;
    let text = "";
    const calls: ToolCallChunk[] = [];
    for (;;) {
      if (this.#inside) {
        const close = closing(rest);
        if (close === -1) break;
        calls.push(this.#call(rest.slice(0, close)));
        this.#inside = false;
        this.#afterCall = true;
        rest = rest.slice(close + CALL_CLOSE.length);
      }
      // White space around calls is no part of the text.
      if (this.#afterCall) rest = rest.trimStart();
      const open = rest.indexOf(CALL_OPEN);
      if (open === -1) {
        const certain = rest.length - uncertain(rest);
        text += rest.slice(0, certain);
        rest = rest.slice(certain);
        if (certain > 0) this.#afterCall = false;
        break;
      }
      text += rest.slice(0, open).trimEnd();
      rest = rest.slice(open + CALL_OPEN.length);
      this.#inside = true;
    }
    this.#held = rest;
    return { text, calls };
  }

  /** The rest, when no more comes. */
  end(): ReadPiece {
    // A string that never ended has held back marks that were meant.
    const { text, calls } = this.#read(this.#held, (source) => source.indexOf(CALL_CLOSE));
    const rest = this.#held;
    this.#held = "";
    // Small models leave out the closing mark; JSON that was cut off does not parse.
    if (this.#inside) return { text, calls: [...calls, this.#call(rest)] };
    return { text: text + (this.#count > 0 ? rest.trimEnd() : rest), calls };
  }

  #call(source: string): ToolCallChunk {
    const index = this.#count++;
    const common = { type: "tool_call_chunk", index, id: `${this.#id}_${index}` } as const;
    const parsed = callSchema.safeParse(tryJson(source));
    if (parsed.success) {
      return { ...common, name: parsed.data.name, args: JSON.stringify(parsed.data.arguments) };
    }
    // With the mark in front LangChain cannot fix the JSON and take half a call for a whole one.
    return { ...common, name: nameIn(source), args: CALL_OPEN + source };
  }
}

/** Index of the first closing mark that stands in none of the call's strings, or -1. */
function endOfCall(source: string): number {
  let quoted = false;
  for (let i = 0; i < source.length; i++) {
    if (quoted && source[i] === "\\") i++;
    else if (source[i] === '"') quoted = !quoted;
    else if (!quoted && source.startsWith(CALL_CLOSE, i)) return i;
  }
  return -1;
}

/** The name in what may be broken JSON, so that one can tell whose call it was. */
function nameIn(source: string): string {
  return /"name"\s*:\s*"([^"\\]+)"/.exec(source)?.[1] ?? "";
}

/** Length of the end that may belong to a call that is to come: white space, and the beginning of the mark. */
function uncertain(text: string): number {
  for (let length = Math.min(CALL_OPEN.length - 1, text.length); length > 0; length--) {
    if (CALL_OPEN.startsWith(text.slice(-length))) {
      return length + spaceAtEnd(text.slice(0, -length));
    }
  }
  return spaceAtEnd(text);
}

const spaceAtEnd = (text: string): number => text.length - text.trimEnd().length;
