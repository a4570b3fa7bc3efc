import type { Dialogue } from "../evaluate/dialogue.js";
import { type EvaluateOptions, evaluate } from "../evaluate/evaluate.js";
import type { EvaluationLog } from "../evaluate/evaluation-log.js";
import type { EvaluationScores } from "../evaluate/evaluation-scores.js";
import { extractDialogueFacts } from "../evaluate/extract-facts.js";
import type { FactSource } from "../evaluate/fact-source.js";
import { PLAIN_TOKENS } from "../evaluate/plain-prompt.js";
import type { PlayProgress } from "../evaluate/progress.js";
import type { Row } from "../evaluate/rows.js";
import { selectPart } from "../evaluate/select-part.js";
import { retrievalSetting } from "../memory/bank/retrieve.js";
import { ChatOnnx } from "../model/chat/chat-onnx.js";
import type { RetrievalSetting } from "../trace/episode.js";
import type { OpenedJudge } from "./options/judge.js";
import type { OpenedModels } from "./options/models.js";
import type { DataOptions } from "./options/options.js";
import { startProgress } from "./progress.js";

export interface Run {
  readonly log: EvaluationLog;
  readonly judge: OpenedJudge | undefined;
  readonly signal: AbortSignal;
}

/** Plays and scores the rows on these dialogues, and tells how far it is. */
export async function playRows(
  dialogues: readonly Dialogue[],
  rows: readonly Row[],
  agents: OpenedModels & RetrievalSetting,
  options: DataOptions & { readonly facts: FactSource },
  { log, judge, signal }: Run,
): Promise<EvaluationScores[]> {
  const { turns, questions, concurrency, facts, seed } = options;
  const { engine, base, manager, answerer, prompts } = agents;
  const part = {
    signal,
    concurrency,
    ...(turns === undefined ? {} : { turns }),
    ...(questions === undefined ? {} : { questions }),
  };
  const parts = dialogues.map((dialogue) => selectPart(dialogue, part));
  const asked = parts.reduce((sum, one) => sum + one.questions.length, 0);
  process.stderr.write(
    `${dialogues.length} conversations, ${parts.reduce((sum, one) => sum + one.turns.length, 0)} turns, ${asked} questions; ` +
      `rows ${rows.map(({ name }) => name).join(", ")}: ${asked * rows.length} answers\n`,
  );
  const needFacts = facts === "model" && rows.some(({ memory }) => memory === "bank");
  const told = needFacts ? await extract(dialogues, agents, { ...part, log }) : dialogues;
  const shown = progressByLabel();
  const run: EvaluateOptions = {
    ...part,
    rows,
    models: {
      managers: { base, trained: manager },
      answerers: { base, trained: answerer },
      plain: new ChatOnnx({ ...base.sampling, engine, tokenizer: base.tokenizer, maxNewTokens: PLAIN_TOKENS }),
      prompts,
      ...(judge === undefined ? {} : { judge: judge.model }),
    },
    embeddings: agents.embeddings,
    retrieval: retrievalSetting(agents),
    facts,
    log,
    seed,
    onProgress: shown.update,
    onScores: shown.end,
  };
  try {
    return await evaluate(told, run);
  } finally {
    shown.end();
  }
}

/** A line of progress for each label; a new label ends the line of the one before. */
export function progressByLabel(): {
  readonly update: (label: string, progress: PlayProgress) => void;
  readonly end: () => void;
} {
  let current: { readonly label: string; readonly progress: ReturnType<typeof startProgress> } | undefined;
  const end = (): void => {
    current?.progress.end();
    current = undefined;
  };
  return {
    update(label, progress) {
      if (current?.label !== label) {
        end();
        current = { label, progress: startProgress(label) };
      }
      current.progress.update(progress);
    },
    end,
  };
}

/** Facts once for all, so that managers are compared on the same ones. */
async function extract(
  dialogues: readonly Dialogue[],
  { extractor, prompts }: OpenedModels,
  { concurrency, ...part }: { log: EvaluationLog; signal: AbortSignal; turns?: number; concurrency: number },
): Promise<Dialogue[]> {
  const progress = startProgress("facts");
  const options = { ...part, concurrency: 8 * concurrency, prompts, onProgress: progress.update };
  const found = await extractDialogueFacts(dialogues, extractor, options);
  progress.end();
  const { asked, unparsable, usage } = found;
  process.stderr.write(
    `facts: ${unparsable} of ${asked} replies of the extractor could not be read; ` +
      `${usage.calls} calls, ${usage.inputTokens} + ${usage.outputTokens} tokens\n`,
  );
  return found.dialogues;
}
