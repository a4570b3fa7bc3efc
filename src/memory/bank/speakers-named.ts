/**
 * The speakers whose names stand in the question as words of their own, in the order in which they were given. Of names that hold each other the
 * longer one counts: "Ana Maria" does not name "Ana". None are found in scripts that put no spaces between words.
 */
export function speakersNamed(question: string, speakers: readonly string[]): string[] {
  let rest = question.normalize("NFC");
  const named = new Set<string>();
  for (const speaker of speakers.toSorted((a, b) => b.length - a.length)) {
    if (speaker.trim() === "") continue;
    const name = speaker.normalize("NFC").replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    const left = rest.replaceAll(new RegExp(`(?<![\\p{L}\\p{M}\\p{N}])${name}(?![\\p{L}\\p{M}\\p{N}])`, "gu"), " ");
    if (left !== rest) named.add(speaker);
    rest = left;
  }
  return speakers.filter((speaker) => named.has(speaker));
}
