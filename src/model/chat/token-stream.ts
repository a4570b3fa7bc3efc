import type { ChatTokenizer } from "../checkpoint/tokenizer.js";

const incomplete = "\ufffd";

/**
 * Turns tokens into text as they arrive. A character may span several tokens; text is given out only once its UTF-8 is whole,
 * so that the pieces joined equal the decoding of all tokens at once.
 */
export class TokenStream {
  readonly #tokenizer: Pick<ChatTokenizer, "decode">;
  /** Tokens since the last clean border, and the one piece before it: decoders treat a text's first token differently. */
  #window: number[] = [];
  #border = 0;

  constructor(tokenizer: Pick<ChatTokenizer, "decode">) {
    this.#tokenizer = tokenizer;
  }

  /** Text that this token completes; empty inside a character. */
  push(id: number): string {
    this.#window.push(id);
    const { text, before } = this.#decode();
    if (text.endsWith(incomplete)) return "";
    this.#window = this.#window.slice(this.#border);
    this.#border = this.#window.length;
    return text.slice(before.length);
  }

  /** What is left at the end: an unfinished character shows as U+FFFD. */
  end(): string {
    const { text, before } = this.#decode();
    this.#window = [];
    this.#border = 0;
    return text.slice(before.length);
  }

  #decode(): { text: string; before: string } {
    return {
      text: this.#tokenizer.decode(this.#window),
      before: this.#tokenizer.decode(this.#window.slice(0, this.#border)),
    };
  }
}
