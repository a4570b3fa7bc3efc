import type { Answer, Change, EpisodeEvent, MemoryStep, MemoryValue } from "../../src/trace/episode.js";

const at = "2024-05-07T10:00:00.000Z";
const run = { runId: "run" };

export const memory = (text: string, source = "D1:1"): MemoryValue => ({
  text,
  speaker: "Ana",
  time: "7 May 2024",
  source,
  order: 0,
});

export const add = (key: string, text: string): Change => ({ event: "ADD", key, before: null, after: memory(text) });
export const update = (key: string, from: string, to: string): Change => ({
  event: "UPDATE",
  key,
  before: memory(from),
  after: memory(to),
});
export const remove = (key: string, text: string): Change => ({
  event: "DELETE",
  key,
  before: memory(text),
  after: null,
});

/** A turn of the bank `namespace` and what it changed; its id is unique per bank. */
export function step(namespace: readonly string[], turn: string, text: string, ...changes: Change[]): MemoryStep {
  return {
    type: "memory_step",
    id: `${namespace.join("/")}:${turn}`,
    at,
    run,
    namespace: [...namespace],
    turn: { id: turn, speaker: "Ana", text, time: "7 May 2024" },
    facts: [text],
    retrieved: [],
    unparsable: null,
    operations: [],
    changes,
  };
}

/** An answer that saw these memories, by key and text, and used those whose keys are named. */
export function answer(
  namespace: readonly string[],
  question: { readonly id: string; readonly text: string; readonly gold?: string },
  text: string,
  seen: Readonly<Record<string, string>> = {},
  used: readonly string[] = [],
): Answer {
  const keys = Object.keys(seen);
  return {
    type: "answer",
    id: `${namespace.join("/")}:${question.id}`,
    at,
    run,
    namespace: [...namespace],
    question,
    retrieved: keys.map((key, index) => ({ ...memory(seen[key]!), alias: `m${index + 1}`, key })),
    selected: used.map((key) => `m${keys.indexOf(key) + 1}`),
    answer: text,
    unparsable: null,
  };
}

/** One short conversation, its first turn the same for every `label`. */
export function shortTalk(label: string, city = "Oslo"): EpisodeEvent[] {
  const bank = ["user", label];
  return [
    step(bank, "D1:1", "I live in Bergen.", add("k1", "Ana lives in Bergen")),
    step(bank, "D1:2", `I moved to ${city}.`, update("k1", "Ana lives in Bergen", `Ana lives in ${city}`)),
    answer(bank, { id: "q1", text: "Where does Ana live?", gold: "Oslo" }, city, { k1: `Ana lives in ${city}` }, [
      "k1",
    ]),
  ];
}

export const trainingLine = (step: number, more: object = {}): string =>
  `${JSON.stringify({ step, reward: 0.5 + step / 100, outcome: 0.4, kl: 0.01 * step, entropy: 0.2, operations: { ADD: 3, NOOP: 1 }, ...more })}\n`;

/** Texts by which a page could be taken over, if one of them were not escaped. */
export const hostileTexts = [
  "<script>document.title = 'taken'</script>",
  "<img src=x onerror=\"document.title='taken'\">",
  "</title></style></svg></bdi></details><h1 id=taken>taken</h1>",
  '"><svg onload="document.title=\'taken\'">',
  "' onmouseover='document.title=1' x='",
  "<!-- ]]> <![CDATA[ -->",
  "&lt;b&gt; stays as it is &amp;",
  "\u202eright to left\u0000\u0007\ud800",
  '<a href="javascript:document.title=\'taken\'">press</a><base href="//elsewhere">',
  "<link rel=stylesheet href=http://127.0.0.1:9/x.css><meta http-equiv=refresh content=0>",
];
