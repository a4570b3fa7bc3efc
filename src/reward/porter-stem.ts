/**
 * Porter's stemmer (Porter 1980, "An algorithm for suffix stripping") with the changes of nltk's default mode, which
 * LoCoMo's metric uses: a list of irregular words, short words in -ies and -ied, another rule for final y, and more
 * suffixes in step 2.
 */
export function porterStem(word: string): string {
  const lower = word.toLowerCase();
  const irregular = irregularStems.get(lower);
  if (irregular !== undefined) return irregular;
  if (lower.length <= 2) return lower;
  return [plural, pastAndGerund, finalY, step2, step3, step4, finalE, doubleL].reduce(
    (stem, step) => step(stem),
    lower,
  );
}

const irregularStems = new Map(
  Object.entries({
    sky: "sky skies",
    die: "dying",
    lie: "lying",
    tie: "tying",
    news: "news",
    inning: "innings inning",
    outing: "outings outing",
    canning: "cannings canning",
    howe: "howe",
    proceed: "proceed",
    exceed: "exceed",
    succeed: "succeed",
  }).flatMap(([stem, words]) => words.split(" ").map((word): [string, string] => [word, stem])),
);

function isConsonant(word: string, at: number): boolean {
  const letter = word[at] ?? "";
  if (letter !== "y") return !"aeiou".includes(letter);
  // A y is a consonant at the beginning and after a vowel: in a run of them every other one is.
  let first = at;
  while (word[first - 1] === "y") first--;
  const begins = first === 0 || !isConsonant(word, first - 1);
  return (at - first) % 2 === 0 ? begins : !begins;
}

/** Porter's m: how often a run of vowels is followed by a run of consonants. */
function measure(stem: string): number {
  let count = 0;
  for (let i = 1; i < stem.length; i++) if (!isConsonant(stem, i - 1) && isConsonant(stem, i)) count++;
  return count;
}

function hasVowel(stem: string): boolean {
  return [...stem].some((_, i) => !isConsonant(stem, i));
}

function endsInDouble(word: string): boolean {
  const last = word.length - 1;
  return last > 0 && word[last] === word[last - 1] && isConsonant(word, last);
}

/** Ends in consonant, vowel, consonant, the last not w, x or y; in two letters, vowel and consonant. */
function endsInShortSyllable(word: string): boolean {
  const last = word.length - 1;
  if (last === 1) return !isConsonant(word, 0) && isConsonant(word, 1);
  return (
    last > 1 &&
    isConsonant(word, last - 2) &&
    !isConsonant(word, last - 1) &&
    isConsonant(word, last) &&
    !"wxy".includes(word[last] ?? "")
  );
}

type Rule = readonly [suffix: string, replacement: string, condition?: (stem: string) => boolean];

/** Applies the first rule whose suffix fits; where its condition fails the word stays, and no further rule is tried. */
function applyFirst(word: string, rules: readonly Rule[], condition: (stem: string) => boolean): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (rule === undefined) return word;
  const [suffix, replacement, own = condition] = rule;
  const stem = word.slice(0, word.length - suffix.length);
  return own(stem) ? stem + replacement : word;
}

const hasMeasure = (stem: string): boolean => measure(stem) > 0;

function plural(word: string): string {
  if (word.endsWith("ies") && word.length === 4) return word.slice(0, -1);
  const rules: readonly Rule[] = [
    ["sses", "ss"],
    ["ies", "i"],
    ["ss", "ss"],
    ["s", ""],
  ];
  return applyFirst(word, rules, () => true);
}

function pastAndGerund(word: string): string {
  if (word.endsWith("ied")) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith("eed")) return hasMeasure(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const suffix = ["ed", "ing"].find((ending) => word.endsWith(ending) && hasVowel(word.slice(0, -ending.length)));
  if (suffix === undefined) return word;
  const stem = word.slice(0, -suffix.length);
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (endsInDouble(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsInShortSyllable(stem) ? `${stem}e` : stem;
}

function finalY(word: string): string {
  return applyFirst(word, [["y", "i"]], (stem) => stem.length > 1 && isConsonant(stem, stem.length - 1));
}

const step2Rules: readonly Rule[] = [
  ["ational", "ate"],
  ["tional", "tion"],
  ["enci", "ence"],
  ["anci", "ance"],
  ["izer", "ize"],
  ["bli", "ble"],
  ["alli", "al"],
  ["entli", "ent"],
  ["eli", "e"],
  ["ousli", "ous"],
  ["ization", "ize"],
  ["ation", "ate"],
  ["ator", "ate"],
  ["alism", "al"],
  ["iveness", "ive"],
  ["fulness", "ful"],
  ["ousness", "ous"],
  ["aliti", "al"],
  ["iviti", "ive"],
  ["biliti", "ble"],
  ["fulli", "ful"],
  // The l counts as the stem's, so that "logi" in short words goes too.
  ["logi", "log", (stem) => hasMeasure(`${stem}l`)],
];

function step2(word: string): string {
  if (word.endsWith("alli") && hasMeasure(word.slice(0, -4))) return step2(`${word.slice(0, -4)}al`);
  return applyFirst(word, step2Rules, hasMeasure);
}

function step3(word: string): string {
  const rules: readonly Rule[] = [
    ["icate", "ic"],
    ["ative", ""],
    ["alize", "al"],
    ["iciti", "ic"],
    ["ical", "ic"],
    ["ful", ""],
    ["ness", ""],
  ];
  return applyFirst(word, rules, hasMeasure);
}

const step4Suffixes = "al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize".split(" ");

function step4(word: string): string {
  const rules = step4Suffixes.map(
    (suffix): Rule =>
      suffix === "ion" ? [suffix, "", (stem) => measure(stem) > 1 && /[st]$/.test(stem)] : [suffix, ""],
  );
  return applyFirst(word, rules, (stem) => measure(stem) > 1);
}

function finalE(word: string): string {
  return applyFirst(
    word,
    [["e", ""]],
    (stem) => measure(stem) > 1 || (measure(stem) === 1 && !endsInShortSyllable(stem)),
  );
}

function doubleL(word: string): string {
  return word.endsWith("ll") && measure(word.slice(0, -1)) > 1 ? word.slice(0, -1) : word;
}
