import type { Command, CommanderError } from "commander";
import { UsageError } from "../errors.js";

/** What Commander found wrong with a command line, in the form of this package's errors. */
export function usageErrorOf(error: CommanderError, commands: readonly Command[], args: readonly string[]): UsageError {
  const verb = commands.find((command) => command.name() === args[0]);
  const what = error.message
    .replace(/^error: /, "")
    .replace(/\.$/, "")
    .replaceAll(/\s*\n\s*/g, " ");
  const expected = expectation(error, commands, verb);
  return new UsageError({
    what,
    where: verb === undefined ? "command line" : verb.name(),
    ...(expected === undefined ? {} : { expected }),
    found: args.join(" "),
    remedy: `see memory-r1 ${verb === undefined ? "" : `${verb.name()} `}--help`,
    cause: error,
  });
}

function expectation({ code }: CommanderError, commands: readonly Command[], verb: Command | undefined) {
  switch (code) {
    case "commander.unknownCommand":
      return commands.map((command) => command.name()).join(", ");
    case "commander.unknownOption":
      return verb?.options.flatMap(({ long }) => long ?? []).join(", ");
    case "commander.excessArguments":
      return "options only";
    default:
      return undefined;
  }
}
