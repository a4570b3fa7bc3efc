/**
 * Words as nltk's `word_tokenize` parts them: punctuation and clitics become tokens of their own (the conventions of
 * the Penn Treebank), and a full stop is one where it ends a sentence. nltk asks a trained model where that is; the
 * rules here give the same in most texts.
 */
export function wordTokens(text: string): string[] {
  return sentences(text).flatMap(sentenceTokens);
}

const abbreviations = new Set(
  "mr mrs ms dr prof st jr sr vs etc inc ltd co corp i.e u.s u.k a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec".split(
    " ",
  ),
);

/** A sign that may end a sentence, with the closing quotes and brackets that still belong to it. */
const sentenceEnd = /[.?!]+(?=[\s)";}\]*:@'({[])(?:["')\]}]+(?=\s|$))?/g;

function sentences(text: string): string[] {
  const found: string[] = [];
  let start = 0;
  for (const match of text.matchAll(sentenceEnd)) {
    const before = text.slice(start, match.index).match(/[^\s(["'*]*$/)?.[0] ?? "";
    const end = match.index + match[0].length;
    if (match[0].startsWith(".") && isShort(before, text.slice(end))) continue;
    found.push(text.slice(start, end));
    start = end;
  }
  found.push(text.slice(start));
  return found.map((sentence) => sentence.trim()).filter((sentence) => sentence !== "");
}

/** Whether a full stop after `word` marks a shortened word, or an ordinal number that goes on in lower case. */
function isShort(word: string, after: string): boolean {
  if (abbreviations.has(word.toLowerCase()) || /^\p{L}$/u.test(word)) return true;
  return /^[\d.,-]*\d$/.test(word) && /^\s+\p{Ll}/u.test(after);
}

type Substitution = readonly [pattern: RegExp, replacement: string];

const letter = "[\\p{L}\\p{N}_]";

const openingQuotes: readonly Substitution[] = [
  [/[«“‘„]|`+/g, " $& "],
  [/^"/, "``"],
  [/``/g, " $& "],
  [/([ ([{<])(?:"|'{2})/g, "$1 `` "],
  [new RegExp(`(?<!${letter})'(?!(?:re|ve|ll|m|t|s|d|n)(?!${letter}))(?=${letter})`, "giu"), "' "],
];

const punctuation: readonly Substitution[] = [
  [/([^.])(\.)([\])}>"'»”’ ]*)\s*$/, "$1 $2 $3 "],
  [/([:,])(\D)/g, " $1 $2"],
  [/[:,]$/, " $& "],
  [/\.{2,}/g, " $& "],
  [/[;@#$%&]/g, " $& "],
  [/[\u2012-\u2015]/g, " $& "],
  [/[?!]/g, " $& "],
  [/([^'])' /g, "$1 ' "],
  [/\*/g, " $& "],
  [/[\][(){}<>]/g, " $& "],
  [/--/g, " -- "],
];

const closingQuotesAndClitics: readonly Substitution[] = [
  [/[»”’]/g, " $& "],
  [/''|"/g, " '' "],
  [/\s+/g, " "],
  [/([^' ])('s|'m|'d|') /gi, "$1 $2 "],
  [/([^' ])('ll|'re|'ve|n't) /gi, "$1 $2 "],
];

const contractions: readonly Substitution[] = ["can not", "d 'ye", "gim me", "gon na", "got ta", "lem me", "more 'n"]
  .map((pair) => pair.split(" "))
  .map(([first, second]): Substitution => [new RegExp(`\\b(${first})(${second})\\b`, "gi"), " $1 $2 "])
  .concat([
    [/\b(wan)(na)(?=\s)/gi, " $1 $2 "],
    [/ ('t)(is|was)\b/gi, " $1 $2 "],
  ]);

function sentenceTokens(sentence: string): string[] {
  const substitute = (text: string, rules: readonly Substitution[]): string =>
    rules.reduce((current, [pattern, replacement]) => current.replace(pattern, replacement), text);
  const spaced = ` ${substitute(substitute(sentence, openingQuotes), punctuation)} `;
  return substitute(substitute(spaced, closingQuotesAndClitics), contractions)
    .split(/\s+/)
    .filter((token) => token !== "");
}
