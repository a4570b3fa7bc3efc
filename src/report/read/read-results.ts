import { FileError, messageOf } from "../../errors.js";
import { type AnswerLine, type EvaluationLine, evaluationLine, type StepLine } from "../../evaluate/evaluation-log.js";
import { parseAs, parseLine, readOptionalText } from "../../json-file.js";

/** What an evaluation has written of answers and decisions. */
export interface Results {
  answer(row: string, conversation: string, question: string): AnswerLine | undefined;
  step(manager: StepLine["manager"], conversation: string, turn: string): StepLine | undefined;
}

/**
 * The results in a file of an evaluation, which is left as it is; undefined where there is no such file. A last line that is cut is left out:
 * the evaluation may be under way. @throws FileError naming the line that is no result.
 */
export async function readResults(file: string): Promise<Results | undefined> {
  const unreadable = { what: "the results cannot be read", where: file, remedy: "check the path and its permissions" };
  const text = await readOptionalText(
    file,
    (cause) => new FileError({ ...unreadable, found: messageOf(cause), cause }),
  );
  if (text === undefined) return undefined;
  const answers = new Map<string, AnswerLine>();
  const steps = new Map<string, StepLine>();
  for (const [at, json] of text.split("\n").slice(0, -1).entries()) {
    const line = parseResult(json, `${file}:${at + 1}`);
    if (line.type === "answer") answers.set(key(line.row, line.conversation, line.question), line);
    else if (line.type === "step") steps.set(key(line.manager, line.conversation, line.turn), line);
  }
  return {
    answer: (...place) => answers.get(key(...place)),
    step: (...place) => steps.get(key(...place)),
  };
}

const key = (...parts: readonly string[]): string => JSON.stringify(parts);

function parseResult(json: string, where: string): EvaluationLine {
  const failure = { what: "the line is not a result of an evaluation", where, remedy: "do the stage evaluate anew" };
  const value = parseLine(json, { ...failure, expected: "JSON" });
  return parseAs(evaluationLine, value, "the line", { ...failure, expected: "an answer, a decision or settings" });
}
