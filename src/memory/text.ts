const BREAKS_AND_CONTROLS = /[\s\p{Cc}\p{Cf}\u2028\u2029]+/gu;

/**
 * Makes text from outside safe to stand on one line of a prompt: every run of white space, control and format
 * characters becomes one space, so that it can begin neither a memory line nor a header, and the halves of
 * `<|…|>` are parted, so that it can't spell a chat template's control token.
 */
export function oneLine(text: string): string {
  return text.replace(BREAKS_AND_CONTROLS, " ").trim().replaceAll("<|", "< |").replaceAll("|>", "| >");
}
