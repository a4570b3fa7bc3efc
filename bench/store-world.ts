const NAMES = ["Ana", "Ben", "Clara", "Dan", "Eva", "Finn", "Gwen", "Hugo"];
const VERBS = ["visited", "moved to", "likes", "remembers", "works near", "left", "drew", "dreams of"];
const THINGS = [
  "Oslo",
  "the harbour",
  "jazz",
  "a sailing boat",
  "the museum",
  "mountain huts",
  "Rome",
  "old maps",
  "tea",
];

/** The text of the n-th memory: few words, as memories have, and no two alike. */
export function memoryText(at: number): string {
  const pick = (from: readonly string[], step: number) => from[(at * step + Math.floor(at / 7)) % from.length]!;
  return `${pick(NAMES, 1)} ${pick(VERBS, 3)} ${pick(THINGS, 5)} and ${pick(THINGS, 7)} on day ${at % 3650}, note ${at}`;
}

export function memoryValue(at: number) {
  return {
    text: memoryText(at),
    speaker: NAMES[at % NAMES.length]!,
    time: "7 May 2023",
    source: `D1:${at}`,
    order: at,
  };
}

export function namespaceOf(at: number, namespaces: number): string[] {
  return ["memories", "user", `user-${at % namespaces}`];
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function round(value: number): number {
  return Number(value.toFixed(3));
}
