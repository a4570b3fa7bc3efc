import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Dialogue, DialogueTurn } from "../../evaluate/dialogue.js";
import type { AnswerLine, StepLine } from "../../evaluate/evaluation-log.js";
import { Random } from "../../random.js";
import { resultsFile } from "../../recipe/evaluation-stage.js";
import { readFacts } from "../../recipe/facts-stage.js";
import { EVALUATE, FACTS, MANAGER } from "../../recipe/stage-names.js";
import type { Change, GoldQuestion, Question } from "../../trace/episode.js";
import type { RecipeRun } from "./read-recipe.js";
import { type Results, readResults } from "./read-results.js";
import { type ShownMemory, shownMemories } from "./shown-memories.js";

/** Test questions that a report shows, whatever was answered to them. */
const SHOWN_QUESTIONS = 10;

/** What a manager did with an evidence turn. */
export interface EvidenceStep {
  /** Undefined where the results have no decision on the turn. */
  readonly step: StepLine | undefined;
  /** The last change of each of the turn's memories by a later turn, before the question was asked. */
  readonly later: readonly LaterChange[];
}

export interface LaterChange {
  readonly turn: string;
  readonly change: Change;
}

/** One question with one pair of agents. */
export interface QuestionSide {
  readonly name: string;
  readonly trained: boolean;
  /** For each evidence turn. */
  readonly evidence: readonly EvidenceStep[];
  /** Undefined where the results have none. */
  readonly answer: AnswerLine | undefined;
  /** The memories of the answerer's prompt in their order; null where it is not known which they were. */
  readonly shown: readonly ShownMemory[] | null;
}

/** A test question with the untrained agents, and with the trained ones of each run. */
export interface TestQuestion {
  readonly conversation: string;
  readonly question: GoldQuestion;
  readonly evidence: readonly DialogueTurn[];
  readonly sides: readonly QuestionSide[];
}

/** Whose results are compared: a row of the table, and the file that has it. */
const agents = {
  untrained: { file: resultsFile(undefined), row: "base", manager: "base" },
  trained: { file: resultsFile(MANAGER), row: "both", manager: "trained" },
} as const;

interface Source {
  readonly name: string;
  readonly results: Results;
  readonly agent: (typeof agents)[keyof typeof agents];
}

/**
 * Some of the test questions, drawn by a seed from all of them alike: before training as the first run has it, after it by each run. Undefined
 * where the facts or all results are missing.
 */
export async function testQuestions(runs: readonly RecipeRun[], seed: number): Promise<TestQuestion[] | undefined> {
  const withFacts = runs.find(({ marks }) => marks.get(FACTS)?.state === "done");
  const sources = await resultSources(runs);
  if (withFacts === undefined || sources.length === 0) return undefined;
  const { test } = await readFacts(join(withFacts.folder, FACTS));
  const drawn = drawQuestions(test, seed);
  const all: TestQuestion[] = [];
  for (const { dialogue, question } of drawn) {
    const evidence = dialogue.turns.filter(({ id }) => question.evidence?.includes(id));
    const sides = sources.map((source) => sideOf(source, dialogue, question, evidence));
    all.push({ conversation: dialogue.id, question, evidence, sides });
  }
  return all;
}

interface Drawn {
  readonly dialogue: Dialogue;
  readonly question: GoldQuestion;
}

/** Without replacement; equal data and seeds give equal questions. */
export function drawQuestions(test: readonly Dialogue[], seed: number): Drawn[] {
  const all = test.flatMap((dialogue) =>
    dialogue.questions.flatMap((question) =>
      question.gold === undefined ? [] : [{ dialogue, question: { ...question, gold: question.gold } }],
    ),
  );
  return new Random(seed).shuffle(all).slice(0, SHOWN_QUESTIONS);
}

async function resultSources(runs: readonly RecipeRun[]): Promise<Source[]> {
  const read = async (run: RecipeRun, kind: keyof typeof agents): Promise<Source[]> => {
    const results = await readResults(join(run.folder, EVALUATE, agents[kind].file));
    const name = runs.length === 1 ? kind : `${kind}, ${run.name}`;
    return results === undefined ? [] : [{ name, results, agent: agents[kind] }];
  };
  const first = runs.find(({ folder }) => existsSync(join(folder, EVALUATE, agents.untrained.file)));
  const before = first === undefined ? [] : await read(first, "untrained");
  const after = await Promise.all(runs.map((run) => read(run, "trained")));
  return [...before, ...after.flat()];
}

function sideOf(
  { name, results, agent }: Source,
  dialogue: Dialogue,
  question: GoldQuestion,
  evidence: readonly DialogueTurn[],
): QuestionSide {
  const stepOf = (turn: string): StepLine | undefined => results.step(agent.manager, dialogue.id, turn);
  const answer = results.answer(agent.row, dialogue.id, question.id);
  return {
    name,
    trained: agent === agents.trained,
    evidence: evidence.map(({ id }) => ({ step: stepOf(id), later: laterChanges(dialogue, question, id, stepOf) })),
    answer,
    shown: answer === undefined ? null : shownMemories(dialogue, question, stepOf, answer),
  };
}

function laterChanges(
  { turns }: Dialogue,
  { after }: Question,
  evidence: string,
  stepOf: (turn: string) => StepLine | undefined,
): LaterChange[] {
  const ids = turns.map(({ id }) => id);
  const keys = new Set(stepOf(evidence)?.changes.map(({ key }) => key));
  const last = new Map<string, LaterChange>();
  const end = after === undefined ? ids.length : ids.indexOf(after) + 1;
  for (const turn of ids.slice(ids.indexOf(evidence) + 1, end)) {
    for (const change of stepOf(turn)?.changes ?? []) {
      if (keys.has(change.key)) last.set(change.key, { turn, change });
    }
  }
  return [...last.values()];
}
