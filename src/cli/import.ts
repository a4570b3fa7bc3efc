import { rmSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { FileError, messageOf, UsageError } from "../errors.js";
import { episodesFromLangSmith, readLangSmithRuns } from "../trace/from-langsmith.js";
import { plainCommand } from "./options/options.js";

export function importVerb(): Command {
  return plainCommand(
    "import",
    "Make an episode file of runs that LangSmith exported: JSON, or a line for each run.",
    "memory-r1 import runs.jsonl --out episodes.jsonl",
  )
    .argument("<runs...>", "files of exported runs")
    .requiredOption("-o, --out <file>", "the episode file, which must not be there yet")
    .action(importRuns);
}

function importRuns(paths: readonly string[], { out }: { readonly out: string }): void {
  const runs = paths.flatMap((path) => readLangSmithRuns(path));
  const events = episodesFromLangSmith(runs, paths.join(", "));
  if (events.length === 0) {
    throw new UsageError({
      what: "no run tells of a model call, a memory step or an answer",
      where: paths.join(", "),
      expected: "runs of type llm, or of this package's graph nodes",
      found: `${runs.length} other runs`,
      remedy: "export the child runs as well, not only the roots",
    });
  }
  write(out, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  const count = (type: string) => events.filter((event) => event.type === type).length;
  process.stdout.write(
    `${out}: ${count("model_call")} model calls, ${count("memory_step")} memory steps, ${count("answer")} answers, ${count("reward")} rewards\n`,
  );
}

/** The whole file or none. */
function write(path: string, text: string): void {
  let begun = false;
  try {
    writeFileSync(path, "", { flag: "wx" });
    begun = true;
    writeFileSync(path, text);
  } catch (cause) {
    if (begun) rmSync(path, { force: true });
    throw new FileError({
      what: "the episode file cannot be written",
      where: path,
      found: messageOf(cause),
      remedy: "name a file that is not there yet, in a folder that is",
      cause,
    });
  }
}
