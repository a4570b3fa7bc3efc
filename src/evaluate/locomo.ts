import { z } from "zod";
import { FileError, UsageError } from "../errors.js";
import type { Question } from "../trace/episode.js";
import { type Dialogue, type DialogueTurn, readDialogueJson } from "./dialogue.js";
import type { FactSource } from "./fact-source.js";
import { withGivenFacts } from "./given-facts.js";

const turnSchema = z.object({
  speaker: z.string(),
  dia_id: z.string(),
  text: z.string(),
  /** What a captioning model saw in the image that the turn shares. */
  blip_caption: z.string().optional(),
});

const sampleSchema = z.object({
  sample_id: z.string(),
  conversation: z.object({ speaker_a: z.string(), speaker_b: z.string() }).catchall(z.unknown()),
  qa: z.array(
    z.object({
      question: z.string(),
      answer: z.union([z.string(), z.number()]).optional(),
      evidence: z.array(z.string()).default([]),
      category: z.number(),
    }),
  ),
  observation: z
    .record(
      z.string(),
      z.record(z.string(), z.array(z.tuple([z.string(), z.union([z.string(), z.array(z.string())])]))),
    )
    .default({}),
});

type Sample = z.infer<typeof sampleSchema>;

/** The adversarial questions, which have no right answer: Memory-R1 leaves them out. */
const adversarial = 5;

export interface LocomoOptions {
  /** The facts that turns carry; by default they come without, for a model to find. */
  readonly facts?: FactSource;
}

/** Reads a file in the form of locomo10.json. @throws FileError where it has another one. */
export async function readLocomo(path: string, { facts = "model" }: LocomoOptions = {}): Promise<Dialogue[]> {
  const parsed = z.array(sampleSchema).safeParse(await readDialogueJson(path));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw formError(
      path,
      issue === undefined ? "something else" : `at "${issue.path.join(".")}": ${issue.message}`,
      parsed.error,
    );
  }
  return parsed.data.map((sample) => toDialogue(sample, path, facts));
}

function formError(path: string, found: string, cause?: unknown): FileError {
  return new FileError({
    what: "file does not hold LoCoMo conversations",
    where: path,
    expected: "the form of locomo10.json: an array of { sample_id, conversation, qa, … }",
    found,
    remedy: "fetch locomo10.json again from its repository",
    cause,
  });
}

function toDialogue(sample: Sample, path: string, source: FactSource): Dialogue {
  const { conversation, sample_id: id } = sample;
  const plain = sessionNumbers(conversation).flatMap((session) => sessionTurns(sample, session, path));
  const turns = source === "model" ? plain : withGivenFacts(withFacts(plain, factsByTurn(sample, plain)), source);
  const known = new Set(plain.map((turn) => turn.id));
  // Numbered before the adversarial ones are left out, so that an id is the question's place in the file.
  const questions = sample.qa.flatMap(({ question, answer, evidence, category }, at): Question[] => {
    if (category === adversarial || answer === undefined) return [];
    return [
      {
        id: `${id}:q${at + 1}`,
        text: question,
        gold: String(answer),
        category: String(category),
        evidence: [...new Set(evidence.flatMap(turnIds))].filter((turn) => known.has(turn)),
      },
    ];
  });
  return { id, speakers: [conversation.speaker_a, conversation.speaker_b], turns, questions };
}

/** Sessions that have turns, in order: the file dates some that it does not hold. */
function sessionNumbers(conversation: Sample["conversation"]): number[] {
  return Object.keys(conversation)
    .flatMap((key) => /^session_(\d+)$/.exec(key)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function sessionTurns({ sample_id, conversation }: Sample, session: number, path: string): DialogueTurn[] {
  const turns = z.array(turnSchema).safeParse(conversation[`session_${session}`]);
  const dated = z.string().safeParse(conversation[`session_${session}_date_time`]);
  const date = dated.success ? /(\d{1,2}) (\p{L}+),? (\d{4})/u.exec(dated.data) : null;
  if (!turns.success || date === null) {
    const found = turns.success ? `the date ${JSON.stringify(dated.data)}` : turns.error.issues[0]?.message;
    throw formError(path, `${found} in ${sample_id}, session ${session}`);
  }
  const time = date.slice(1).join(" ");
  return turns.data.map(({ speaker, dia_id, text, blip_caption }) => {
    const shared = blip_caption === undefined ? "" : ` [shared ${blip_caption}]`;
    return { id: dia_id, speaker, text: `${text}${shared}`, time, session, when: date.input };
  });
}

/** Ids in an evidence string: it may hold several, a stray colon ("D:11:26"), or a leading zero ("D30:05"). */
function turnIds(evidence: string): string[] {
  return [...evidence.matchAll(/D:?(\d+):0*(\d+)/g)].map(([, session, turn]) => `D${session}:${turn}`);
}

function withFacts(turns: readonly DialogueTurn[], told: ReadonlyMap<string, string[]>): DialogueTurn[] {
  return turns.map((turn) => {
    const facts = told.get(turn.id);
    return facts === undefined ? turn : { ...turn, facts };
  });
}

/** Each fact once, at the last of its turns that its own speaker said: it is fully known there. */
function factsByTurn({ observation }: Sample, turns: readonly DialogueTurn[]): Map<string, string[]> {
  const speakers = new Map(turns.map((turn) => [turn.id, turn.speaker]));
  const facts = new Map<string, string[]>();
  for (const session of Object.values(observation)) {
    for (const [speaker, observed] of Object.entries(session)) {
      for (const [fact, source] of observed) {
        const ids = [source]
          .flat()
          .flatMap(turnIds)
          .filter((id) => speakers.has(id));
        const at = ids.findLast((id) => speakers.get(id) === speaker) ?? ids.at(-1);
        if (at !== undefined) facts.set(at, [...(facts.get(at) ?? []), fact]);
      }
    }
  }
  return facts;
}

export type LocomoSplit = "train" | "validation" | "test";

/** Memory-R1's split by conversation: one to train, one to validate; all others test. */
const splitOf: ReadonlyMap<string, LocomoSplit> = new Map([
  ["conv-26", "train"],
  ["conv-30", "validation"],
  ...[41, 42, 43, 44, 47, 48, 49, 50].map((number) => [`conv-${number}`, "test"] as const),
]);

/** The split of one of LoCoMo's ten conversations; undefined for any other id. */
export const locomoSplit = (id: string): LocomoSplit | undefined => splitOf.get(id);

/** The dialogues of one split. @throws UsageError where none of them is in it. */
export function splitLocomo(dialogues: readonly Dialogue[], split: LocomoSplit): Dialogue[] {
  const chosen = dialogues.filter(({ id }) => (locomoSplit(id) ?? "test") === split);
  if (chosen.length > 0) return chosen;
  throw new UsageError({
    what: `no conversation belongs to the ${split} split`,
    expected: "the ten conversations of locomo10.json",
    found: dialogues.map(({ id }) => id).join(", ") || "none",
    remedy: "pass all conversations of the file",
  });
}
