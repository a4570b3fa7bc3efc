const BREAKS = /[\s\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/**
 * Makes text from outside safe to stand on one line of a prompt: every run of white space, control characters and marks
 * of text direction becomes one space, so that it can begin neither a memory line nor a header, and the halves of
 * `<|…|>` are parted, so that it can't spell a chat template's control token.
 */
export function oneLine(text: string): string {
  return text.replace(BREAKS, " ").trim().replaceAll("<|", "< |").replaceAll("|>", "| >");
}
