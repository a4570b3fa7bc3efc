import type { ChatTokenizer } from "../checkpoint/tokenizer.js";
import { TokenStream } from "./token-stream.js";

/**
 * Reads a response token by token: its text up to the first stop string, and the tokens up to the one that completed it.
 * A stream and a whole response read in this way give the same text, because both are read here.
 */
export class ResponseReader {
  readonly ids: number[] = [];
  readonly logprobs: number[] = [];
  readonly #text: TokenStream;
  readonly #stop: readonly string[];
  readonly #stopIds: ReadonlySet<number>;
  /** Text not yet given out, because it may be the beginning of a stop string. */
  #held = "";
  #stopped = false;

  constructor(tokenizer: Pick<ChatTokenizer, "decode" | "stopIds">, stop: readonly string[]) {
    this.#text = new TokenStream(tokenizer);
    this.#stop = stop;
    this.#stopIds = new Set(tokenizer.stopIds);
  }

  /** Whether a stop string came; later tokens are ignored. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Text that is now certain. Tokens after a stop string add nothing. */
  push(ids: readonly number[], logprobs: readonly number[]): string {
    let text = "";
    for (const [index, id] of ids.entries()) {
      if (this.#stopped) break;
      this.ids.push(id);
      this.logprobs.push(logprobs[index] ?? Number.NaN);
      if (!this.#stopIds.has(id)) text += this.#scan(this.#text.push(id));
    }
    return text;
  }

  /** The rest, when no more tokens come. */
  end(): string {
    if (this.#stopped) return "";
    const text = this.#scan(this.#text.end());
    const rest = this.#stopped ? "" : this.#held;
    this.#held = "";
    return text + rest;
  }

  #scan(more: string): string {
    const text = this.#held + more;
    const found = this.#stop.map((stop) => text.indexOf(stop)).filter((position) => position >= 0);
    if (found.length > 0) {
      this.#stopped = true;
      this.#held = "";
      return text.slice(0, Math.min(...found));
    }
    const keep = Math.max(0, ...this.#stop.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - keep);
    return text.slice(0, text.length - keep);
  }
}

/** Length of the longest end of the text that begins the stop string. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) {
    if (stop.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}
