import type { Embeddings } from "@langchain/core/embeddings";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { UsageError } from "../errors.js";
import { buildAnswerPrompt, readAnswer } from "../memory/answer.js";
import type { MemoryPrompts } from "../memory/prompts/prompts.js";
import type { GoldQuestion, RetrievalSetting } from "../trace/episode.js";
import { namedMemories } from "../trace/named-memories.js";
import { type Asking, type AskOptions, askRow } from "./ask.js";
import { type BankMemories, bankMemories } from "./bank-memories.js";
import { type BuiltBank, buildBanks, controlBanks } from "./build-banks.js";
import type { Dialogue } from "./dialogue.js";
import type { AnswerLine, EvaluationLog, JudgementLine } from "./evaluation-log.js";
import { costOf, type EvaluationScores, meanOrNull, scoreBanks } from "./evaluation-scores.js";
import type { FactSource } from "./fact-source.js";
import { judgeAnswers } from "./judge.js";
import { plainPrompt } from "./plain-prompt.js";
import type { PlayProgress } from "./progress.js";
import type { AnswererKind, ManagerKind, Row } from "./rows.js";
import { scoreLines } from "./score-lines.js";
import { type PartOptions, selectPart } from "./select-part.js";
import { turnChooser, turnRecall, turnsAsMemories } from "./turn-context.js";

/** Any LangChain chat models; a row that needs one that is missing is refused. */
export interface EvaluationModels {
  readonly managers: Readonly<Partial<Record<AnswererKind, BaseChatModel>>>;
  readonly answerers: Readonly<Partial<Record<AnswererKind, BaseChatModel>>>;
  /** Answers the plain prompt; best one that ends after some 32 tokens. */
  readonly plain?: BaseChatModel;
  /** Marks all answers as right or wrong. Off where absent. */
  readonly judge?: BaseChatModel;
  readonly prompts: MemoryPrompts;
}

export interface EvaluateOptions extends PartOptions {
  readonly rows: readonly Row[];
  readonly models: EvaluationModels;
  readonly embeddings: Embeddings;
  readonly retrieval: RetrievalSetting;
  /** Where the dialogues' facts came from: results say so. */
  readonly facts: FactSource;
  readonly log: EvaluationLog;
  /** Of the intervals. */
  readonly seed: number;
  /** Conversations at once; eight times as many questions. Default 8. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (label: string, progress: PlayProgress) => void;
  readonly onScores?: (scores: EvaluationScores) => void;
}

/** Questions under way for each conversation under way. */
const QUESTIONS_PER_CONVERSATION = 8;

interface Part {
  readonly dialogue: Dialogue;
  readonly questions: readonly GoldQuestion[];
}

/** A manager's banks, and what they show for each question. */
interface Banks {
  readonly banks: readonly BuiltBank[];
  readonly memories: readonly BankMemories[];
}

/**
 * Evaluates row by row on dialogues whose turns have their facts. Rows with the same manager share its banks. What the log has is not computed
 * again. Questions without a gold answer are left out. @throws UsageError where a row needs a model that is missing.
 */
export async function evaluate(dialogues: readonly Dialogue[], options: EvaluateOptions): Promise<EvaluationScores[]> {
  const { rows, models, embeddings, retrieval, log, seed, concurrency = 8, signal, onProgress, onScores } = options;
  for (const row of rows) requireModels(row, models);
  const parts = dialogues.map((dialogue): Part => {
    const { turns, questions } = selectPart(dialogue, options);
    const gold = questions.flatMap((question) =>
      question.gold === undefined ? [] : [{ ...question, gold: question.gold }],
    );
    return { dialogue: { ...dialogue, turns: [...turns] }, questions: gold };
  });
  const following = (label: string): AskOptions => ({
    log,
    concurrency: concurrency * QUESTIONS_PER_CONVERSATION,
    ...(signal === undefined ? {} : { signal }),
    onProgress: (progress) => onProgress?.(label, progress),
  });
  const kept = new Map<ManagerKind, Promise<Banks>>();
  const banksOf = (kind: ManagerKind): Promise<Banks> => {
    const banks = kept.get(kind) ?? makeBanks(kind);
    kept.set(kind, banks);
    return banks;
  };
  const makeBanks = async (kind: ManagerKind): Promise<Banks> => {
    const played = parts.map(({ dialogue }) => dialogue);
    const banks =
      kind === "base" || kind === "trained"
        ? await buildBanks(played, models.managers[kind]!, kind, {
            ...following(kind === "base" ? "banks of the untrained manager" : "banks of the trained manager"),
            concurrency,
            prompts: models.prompts,
            embeddings,
            retrieval,
          })
        : await controlBanks(played, kind, embeddings, retrieval.words);
    const memories = [];
    for (const [i, bank] of banks.entries()) {
      signal?.throwIfAborted();
      memories.push(await bankMemories(bank, parts[i]!.questions, embeddings, retrieval));
    }
    return { banks, memories };
  };
  const all: EvaluationScores[] = [];
  for (const row of rows) {
    const banks = row.memory === "bank" ? await banksOf(row.manager) : undefined;
    const askings = parts.flatMap((part, i) =>
      banks === undefined ? turnAskings(row, part, models) : bankAskings(part, banks.memories[i]!, models),
    );
    const answers = await askRow(row.name, askings, answererOf(row, models), following(row.name));
    const marks =
      models.judge === undefined ? null : await judgeAnswers(answers, models.judge, following(`${row.name}, judged`));
    const scores = scoreRow(row, options, answers, marks, banks, dialogues.length, seed);
    onScores?.(scores);
    all.push(scores);
  }
  return all;
}

function turnAskings(row: Row, { dialogue, questions }: Part, { prompts }: EvaluationModels): Asking[] {
  if (row.memory !== "turns") return [];
  const choose = turnChooser(dialogue.turns);
  return questions.map((question): Asking => {
    const turns = choose(row.context, question);
    const common = {
      conversation: dialogue.id,
      question,
      shown: turns.map(({ id }) => id),
      evidenceRecall: turnRecall(question, turns),
    };
    if (row.prompt === "plain") {
      const messages = plainPrompt(question.text, turns);
      return { ...common, messages, read: readPhrase, selectedRecall: () => null };
    }
    const retrieved = turnsAsMemories(turns, dialogue.speakers);
    return {
      ...common,
      messages: buildAnswerPrompt(prompts, { question: question.text, retrieved }),
      selectedRecall: (aliases) => {
        const keys = new Set(namedMemories(retrieved, aliases).map(({ key }) => key));
        return turnRecall(
          question,
          turns.filter(({ id }) => keys.has(id)),
        );
      },
      read: (text) => readAnswer(text, retrieved),
    };
  });
}

/** The whole reply is the answer. */
function readPhrase(text: string): ReturnType<Asking["read"]> {
  const answer = text.trim();
  return { answer, selected: [], unparsable: answer === "" ? "empty answer" : null };
}

function bankAskings({ dialogue, questions }: Part, memories: BankMemories, { prompts }: EvaluationModels): Asking[] {
  return questions.map((question): Asking => {
    const { retrieved, evidenceRecall, recallOf } = memories.byQuestion.get(question.id)!;
    return {
      conversation: dialogue.id,
      question,
      shown: retrieved.map(({ key }) => key),
      evidenceRecall,
      selectedRecall: (aliases) => recallOf(namedMemories(retrieved, aliases)),
      messages: buildAnswerPrompt(prompts, { question: question.text, retrieved }),
      read: (text) => readAnswer(text, retrieved),
    };
  });
}

function answererOf(row: Row, { answerers, plain }: EvaluationModels): BaseChatModel {
  return (row.memory === "turns" && row.prompt === "plain" ? plain : answerers[row.answerer])!;
}

function requireModels(row: Row, models: EvaluationModels): void {
  const manager = row.memory === "bank" && (row.manager === "base" || row.manager === "trained") ? row.manager : null;
  const missing = [
    ...(manager !== null && models.managers[manager] === undefined ? [`a ${manager} manager`] : []),
    ...(answererOf(row, models) === undefined ? [`a ${row.answerer} answerer`] : []),
  ];
  if (missing.length === 0) return;
  throw new UsageError({
    what: `row ${row.name} needs a model that is not there`,
    where: "rows (--rows)",
    expected: missing.join(" and "),
    found: "none",
    remedy: "pass models.managers or models.answerers (--adapter-manager, --adapter-answerer), or leave this row out",
  });
}

function scoreRow(
  row: Row,
  { facts }: EvaluateOptions,
  answers: readonly AnswerLine[],
  marks: readonly JudgementLine[] | null,
  banks: Banks | undefined,
  conversations: number,
  seed: number,
): EvaluationScores {
  const steps = banks?.banks.flatMap((bank) => bank.steps) ?? [];
  return {
    name: row.name,
    facts: row.memory === "bank" ? facts : null,
    conversations,
    ...scoreLines(answers, marks, seed),
    bank:
      banks === undefined
        ? null
        : scoreBanks(banks.banks.map(({ steps }, i) => ({ steps, bankSize: banks.memories[i]!.bankSize }))),
    memoriesShown: meanOrNull(answers.map(({ shown }) => shown.length)),
    cost: costOf({
      manager: steps.map(({ usage }) => usage),
      answerer: answers.map(({ usage }) => usage),
      judge: marks?.map(({ usage }) => usage) ?? [],
    }),
  };
}
