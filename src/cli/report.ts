import type { Command } from "commander";
import { writeAtomic } from "../atomic-file.js";
import { FileError, messageOf, UsageError } from "../errors.js";
import type { ReportSources } from "../report/read-report.js";
import { type CommonOptions, verbCommand } from "./options/options.js";

/** Where a report goes by default. */
export const reportPage = "report.html";

interface ReportVerbOptions extends CommonOptions {
  readonly episodes?: string;
  readonly after?: string;
  readonly scores?: string;
  readonly out: string;
}

export function reportVerb(): Command {
  return verbCommand(
    "report",
    "Write one HTML file about a run: curves, scores beside controls, the life of each memory, episodes and test questions before and after training.",
    "memory-r1 report runs/start-1\n" +
      "memory-r1 report runs/locomo-1 runs/locomo-2 runs/locomo-3 -o report.html\n" +
      "memory-r1 report runs/manager runs/answerer --episodes before.jsonl --after after.jsonl --scores scores.json -o report.html",
  )
    .argument("[folders...]", "folders of training runs, of `memory-r1 start`, or of a recipe under one or more seeds")
    .option("--episodes <file>", "recording before training (default: untrained.jsonl of a folder)")
    .option("--after <file>", "recording of the same conversations after it (default: trained-manager.jsonl)")
    .option("--scores <file>", "what `memory-r1 evaluate --json` wrote (default: scores.json of a folder)")
    .option("-o, --out <file>", "where the report goes", reportPage)
    .action(report);
}

async function report(folders: readonly string[], options: ReportVerbOptions): Promise<void> {
  const { episodes, after, scores, out, seed } = options;
  if (folders.length === 0 && episodes === undefined && after === undefined && scores === undefined) {
    throw new UsageError({
      what: "nothing is named to report on",
      expected: "the folder of a run, --episodes, --after or --scores",
      found: "none of them",
      remedy: "pass the folder that `memory-r1 train --out`, with or without --recipe, or `memory-r1 start` wrote",
    });
  }
  await writeReport({ folders, before: episodes, after, scores, seed }, out);
  process.stdout.write(`${out}\n`);
}

/** Reads a run and writes its report. The charting library is loaded only here: other verbs do not wait for it. */
export async function writeReport(sources: ReportSources, file: string): Promise<void> {
  const [{ readReport }, { renderReport }] = await Promise.all([
    import("../report/read-report.js"),
    import("../report/page.js"),
  ]);
  const page = renderReport(await readReport(sources));
  try {
    await writeAtomic(file, (handle) => handle.writeFile(page));
  } catch (cause) {
    throw new FileError({
      what: "the report cannot be written",
      where: file,
      found: messageOf(cause),
      remedy: "pass -o with a path that can be written",
      cause,
    });
  }
}
