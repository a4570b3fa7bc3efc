import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { MemoryR1Error } from "../errors.js";
import { AlarmError } from "../train/run/alarms.js";
import { auditVerb } from "./audit.js";
import { chatVerb } from "./chat.js";
import { creditVerb } from "./credit.js";
import { doctorVerb } from "./doctor.js";
import { evaluateVerb } from "./evaluate.js";
import { type ExitCode, exitCodes, WorkFailure } from "./exit.js";
import { importVerb } from "./import.js";
import { InterruptedError } from "./interrupt.js";
import { recordVerb } from "./record.js";
import { reportVerb } from "./report.js";
import { startVerb } from "./start.js";
import { trainVerb } from "./train.js";
import { usageErrorOf } from "./usage.js";
import { verifyVerb } from "./verify.js";

/** One file for each verb; each makes its command anew. */
const verbs: readonly (() => Command)[] = [
  startVerb,
  recordVerb,
  trainVerb,
  evaluateVerb,
  creditVerb,
  reportVerb,
  chatVerb,
  auditVerb,
  importVerb,
  verifyVerb,
  doctorVerb,
];

/** Runs one command line. Errors are one line on stderr; `--verbose` adds their stacks. */
export async function runProgram(args: readonly string[]): Promise<ExitCode> {
  const commands = verbs.map((verb) => quiet(verb()));
  const program = quiet(new Command("memory-r1"))
    .description("Long-term memory for LangGraph agents that learns from its own recorded runs.")
    .version(packageVersion())
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 the work failed, 2 an input or an option cannot be used, 3 training stopped at an alarm, 130 interrupted.",
    );
  for (const command of commands) program.addCommand(command);
  if (args.length === 0) {
    process.stderr.write(program.helpInformation());
    return exitCodes.unusable;
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    const failed = error instanceof CommanderError ? usageErrorOf(error, commands, args) : error;
    report(failed, args.includes("--verbose"));
    if (failed instanceof WorkFailure && failed.cause instanceof AlarmError) return exitCodes.alarmed;
    if (failed instanceof WorkFailure && failed.cause instanceof InterruptedError) return exitCodes.interrupted;
    return failed instanceof MemoryR1Error ? exitCodes.unusable : exitCodes.failed;
  }
}

/** Errors are thrown and printed here; help still goes to stdout. */
function quiet(command: Command): Command {
  return command.exitOverride().configureOutput({ outputError: () => undefined });
}

function report(error: unknown, verbose: boolean): void {
  const cause = error instanceof WorkFailure ? error.cause : error;
  if (!(cause instanceof Error)) {
    process.stderr.write(`memory-r1: ${String(cause)}\n`);
    return;
  }
  process.stderr.write(`memory-r1: ${cause.name}: ${cause.message.replaceAll(/\s*\n\s*/g, " ")}\n`);
  if (verbose) process.stderr.write(`${stackOf(cause)}\n`);
}

function stackOf(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\ncaused by ${stackOf(error.cause)}` : stack;
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}
