/** Python's string.punctuation, which both original metrics mean by punctuation. */
const asciiPunctuation = /[!-/:-@[-`{-~]/g;

/** LoCoMo's normal form: commas and punctuation dropped, articles and "and" blanked, lower case, single spaces. */
export function normaliseForLocomo(text: string): string {
  const bare = text.toLowerCase().replace(asciiPunctuation, "");
  return collapse(blankWords(bare, ["a", "an", "the", "and"]));
}

/** SQuAD's normal form, with punctuation and symbols of all scripts dropped: case, articles and punctuation don't count. */
export function normaliseAnswer(text: string): string {
  const bare = text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\p{P}\p{S}]/gu, "");
  return collapse(blankWords(bare, ["a", "an", "the"]));
}

function blankWords(text: string, words: readonly string[]): string {
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}_])(?:${words.join("|")})(?![\\p{L}\\p{N}_])`, "gu"), " ");
}

function collapse(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}
