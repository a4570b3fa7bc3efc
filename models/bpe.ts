/** Splits text as GPT-2 does, but gives every digit a piece of its own. */
export const pretokenPattern = "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** How byte-level tokenizers write bytes: printable characters stand for themselves, the rest is moved above U+0100. */
export function byteAlphabet(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let moved = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : 0x100 + moved++));
}

export type Merge = readonly [left: string, right: string];

/**
 * Learns byte pair merges. A space is merged only with a whole word, and after all other merges: so a rare word
 * falls into the same pieces with and without a space before it, and a small model can copy it piece by piece from
 * running text into JSON. `openWords` and rare words count once each: they teach the pieces of words, but a word that
 * the model should copy gets no token of its own.
 */
export function learnMerges(texts: Iterable<string>, openWords: ReadonlySet<string>, count: number): Merge[] {
  const { words, spaced, space } = countWords(texts, openWords);
  const merges: Merge[] = [];
  for (;;) {
    const whole = words.filter(({ text, pieces }) => pieces.length === 1 && isMergedWithSpace(text, spaced));
    const best = merges.length + whole.length < count ? mostFrequentPair(words) : undefined;
    if (best === undefined) {
      const frequent = whole.sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1));
      return [...merges, ...frequent.map(({ text }): Merge => [space, text])].slice(0, count);
    }
    merges.push(best);
    for (const word of words) applyMerge(word.pieces, best);
  }
}

/** Texts that a word must be in to count as often as it is seen. */
const leastTexts = 150;

/** A single letter other than the article begins too many rare words. */
function isMergedWithSpace(word: string, spaced: ReadonlyMap<string, number>): boolean {
  return (spaced.get(word) ?? 0) >= leastTexts && (word === "a" || !/^\p{Ll}$/u.test(word));
}

interface CountedWord {
  readonly text: string;
  readonly pieces: string[];
  readonly count: number;
}

interface WordCounts {
  readonly words: CountedWord[];
  /** Texts in which a frequent word stands after a space. */
  readonly spaced: ReadonlyMap<string, number>;
  /** The space as the byte alphabet writes it. */
  readonly space: string;
}

function countWords(texts: Iterable<string>, openWords: ReadonlySet<string>): WordCounts {
  const alphabet = byteAlphabet();
  const space = alphabet[0x20] as string;
  const seen = new Map<string, number>();
  const pattern = new RegExp(pretokenPattern, "gu");
  for (const text of texts) {
    for (const piece of new Set(text.match(pattern))) {
      const written = [...Buffer.from(piece)].map((byte) => alphabet[byte] as string).join("");
      seen.set(written, (seen.get(written) ?? 0) + 1);
    }
  }
  const all = new Map<string, number>();
  const spaced = new Map<string, number>();
  for (const [written, count] of seen) {
    const hasSpace = written.length > 1 && written.startsWith(space);
    const word = hasSpace ? written.slice(1) : written;
    const weight = count < leastTexts || openWords.has(word) ? 1 : count;
    all.set(word, Math.max(weight, all.get(word) ?? 0));
    if (hasSpace) spaced.set(word, weight);
  }
  const words = [...all].map(([text, count]) => ({ text, pieces: [...text], count }));
  return { words, spaced, space };
}

function mostFrequentPair(words: readonly CountedWord[]): Merge | undefined {
  const counts = new Map<string, number>();
  for (const { pieces, count } of words) {
    for (let i = 1; i < pieces.length; i++) {
      const pair = `${pieces[i - 1]} ${pieces[i]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  let most = 1;
  for (const [pair, count] of counts) {
    if (count > most || (count === most && best !== undefined && pair < best)) [best, most] = [pair, count];
  }
  const [left, right] = best?.split(" ") ?? [];
  return left === undefined || right === undefined ? undefined : [left, right];
}

function applyMerge(pieces: string[], [left, right]: Merge): void {
  for (let i = 0; i + 1 < pieces.length; i++) {
    if (pieces[i] === left && pieces[i + 1] === right) pieces.splice(i, 2, left + right);
  }
}
