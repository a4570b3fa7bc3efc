import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { FileError, messageOf, UsageError } from "../errors.js";
import { hasCode } from "../json-file.js";
import { operationSchema } from "../memory/bank/operation.js";
import { changeSchema } from "../trace/episode.js";
import { usageSchema } from "./usage.js";

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** What the results of a part follow from: of all rows, or only of those that use a trained manager, answerer or a judge. */
const scopes = ["all", "facts", "manager", "answerer", "judge"] as const;
export type Scope = (typeof scopes)[number];
export type ScopeSettings = Readonly<Record<string, z.infer<typeof scalar>>>;

const settingsLine = z.object({
  type: z.literal("settings"),
  scope: z.enum(scopes),
  values: z.record(z.string(), scalar),
});

/** What the extractor found in one turn. */
const factsLine = z.object({
  type: z.literal("facts"),
  conversation: z.string(),
  turn: z.string(),
  facts: z.array(z.string()),
  unparsable: z.string().nullable(),
  usage: usageSchema,
});

/** What a manager decided about one turn. */
const stepLine = z.object({
  type: z.literal("step"),
  manager: z.enum(["base", "trained"]),
  conversation: z.string(),
  turn: z.string(),
  operations: z.array(operationSchema),
  changes: z.array(changeSchema),
  unparsable: z.string().nullable(),
  /** Whether the prompt left no room for a reply: nothing was decided. */
  tooLong: z.boolean(),
  usage: usageSchema,
});

/** What one row answered to one question. */
export const answerLine = z.object({
  type: z.literal("answer"),
  row: z.string(),
  conversation: z.string(),
  question: z.string(),
  text: z.string(),
  category: z.string().optional(),
  gold: z.string(),
  prediction: z.string(),
  /** Aliases that the answerer named as used. */
  selected: z.array(z.string()),
  /** Keys of the memories, or ids of the turns, that it was shown, in their order. */
  shown: z.array(z.string()),
  unparsable: z.string().nullable(),
  tooLong: z.boolean(),
  evidenceRecall: z.number().nullable(),
  /** Share of the evidence among the selected memories; null where none is known, or was asked for. */
  evidenceSelected: z.number().nullable().default(null),
  usage: usageSchema,
});

const judgementLine = z.object({
  type: z.literal("judgement"),
  row: z.string(),
  conversation: z.string(),
  question: z.string(),
  /** Null where the judge's reply could not be read. */
  correct: z.boolean().nullable(),
  usage: usageSchema,
});

export const evaluationLine = z.discriminatedUnion("type", [
  settingsLine,
  factsLine,
  stepLine,
  answerLine,
  judgementLine,
]);

export type FactsLine = z.infer<typeof factsLine>;
export type StepLine = z.infer<typeof stepLine>;
export type AnswerLine = z.infer<typeof answerLine>;
export type JudgementLine = z.infer<typeof judgementLine>;
export type EvaluationLine = z.infer<typeof evaluationLine>;

/** The results of an evaluation as they come, kept in a file of JSON lines so that a second run goes on where the first one stopped. */
export class EvaluationLog {
  readonly #path: string | undefined;
  readonly #descriptor: number | undefined;
  readonly #lines = new Map<string, EvaluationLine>();

  /** Without a path nothing is kept. A last line that a crash cut off is removed. @throws FileError where the file holds something else. */
  constructor(path?: string) {
    this.#path = path;
    if (path === undefined) return;
    const { lines, wholeBytes } = readLog(path);
    for (const line of lines) this.#lines.set(keyOf(line), line);
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#descriptor = openSync(path, "a");
      ftruncateSync(this.#descriptor, wholeBytes);
    } catch (cause) {
      throw fileError(path, cause);
    }
  }

  /** Fixes what results follow from, once for each scope. @throws UsageError that names each setting in which this run differs. */
  require(scope: Scope, values: ScopeSettings): void {
    const line = { type: "settings", scope, values } as const;
    const known = this.#lines.get(keyOf(line));
    if (known?.type !== "settings") {
      this.append(line);
      return;
    }
    const names = [...new Set([...Object.keys(known.values), ...Object.keys(values)])].sort();
    const differing = names.filter((name) => known.values[name] !== values[name]);
    if (differing.length === 0) return;
    const list = (of: ScopeSettings) =>
      differing.map((name) => `${name} ${JSON.stringify(of[name]) ?? "absent"}`).join(", ");
    throw new UsageError({
      what: "the results in this file were made with other settings",
      where: this.#path ?? "evaluation",
      expected: list(known.values),
      found: list(values),
      remedy: "give the same settings to go on, or another file (--out) to begin anew",
    });
  }

  facts(conversation: string, turn: string): FactsLine | undefined {
    return this.#find(["facts", conversation, turn], "facts");
  }

  step(manager: StepLine["manager"], conversation: string, turn: string): StepLine | undefined {
    return this.#find(["step", manager, conversation, turn], "step");
  }

  answer(row: string, conversation: string, question: string): AnswerLine | undefined {
    return this.#find(["answer", row, conversation, question], "answer");
  }

  judgement(row: string, conversation: string, question: string): JudgementLine | undefined {
    return this.#find(["judgement", row, conversation, question], "judgement");
  }

  /** Takes over a manager's decisions from another file of results, so that its banks are not built again. Nothing where there is no such file. */
  takeSteps(path: string): void {
    for (const line of readLog(path).lines) {
      if (line.type === "step" && !this.#lines.has(keyOf(line))) this.append(line);
    }
  }

  append(line: EvaluationLine): void {
    this.#lines.set(keyOf(line), line);
    if (this.#descriptor !== undefined) writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }

  #find<Type extends EvaluationLine["type"]>(key: readonly string[], type: Type) {
    const line = this.#lines.get(JSON.stringify(key));
    return line?.type === type ? (line as Extract<EvaluationLine, { type: Type }>) : undefined;
  }
}

function keyOf(line: EvaluationLine): string {
  switch (line.type) {
    case "settings":
      return JSON.stringify(["settings", line.scope]);
    case "facts":
      return JSON.stringify(["facts", line.conversation, line.turn]);
    case "step":
      return JSON.stringify(["step", line.manager, line.conversation, line.turn]);
    case "answer":
    case "judgement":
      return JSON.stringify([line.type, line.row, line.conversation, line.question]);
  }
}

/** How each of these files begins. */
const FIRST_LINE = '{"type":"settings"';

function readLog(path: string): { readonly lines: EvaluationLine[]; readonly wholeBytes: number } {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return { lines: [], wholeBytes: 0 };
    throw fileError(path, cause);
  }
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  // Only a tail of our own may be cut off: another file of one line must not be emptied.
  if (whole === "" && !FIRST_LINE.startsWith(text.slice(0, FIRST_LINE.length))) parseLine(text, `${path}:1`);
  const lines = whole.split("\n").slice(0, -1);
  return { lines: lines.map((line, at) => parseLine(line, `${path}:${at + 1}`)), wholeBytes: Buffer.byteLength(whole) };
}

function parseLine(line: string, where: string): EvaluationLine {
  let found: unknown;
  let cause: unknown;
  try {
    const parsed = evaluationLine.safeParse(JSON.parse(line));
    if (parsed.success) return parsed.data;
    cause = parsed.error;
    found = parsed.error.issues[0]?.message;
  } catch (error) {
    cause = error;
    found = "no JSON";
  }
  throw new FileError({
    what: "the file does not hold results of an evaluation",
    where,
    expected: "lines that `memory-r1 evaluate --out` wrote",
    found: String(found),
    remedy: "pass another file (--out)",
    cause,
  });
}

function fileError(path: string, cause: unknown): FileError {
  return new FileError({
    what: "the file for results cannot be opened",
    where: path,
    found: messageOf(cause),
    remedy: "pass a path (--out) that can be read and written",
    cause,
  });
}
