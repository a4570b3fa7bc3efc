import { appendFile, copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../../atomic-file.js";
import type { StepMetrics } from "./metrics.js";
import { EventFile, eventFiles, removeEventFiles } from "./tensorboard.js";

export const METRICS_FILE = "metrics.jsonl";

export interface RunLogOptions {
  /** Folder of the checkpoint whose metrics the log begins with. */
  readonly from?: string | undefined;
  /** Whether event files of the folder are of the same run. */
  readonly sameRun: boolean;
  /** Writes TensorBoard's event files too; `now` gives milliseconds since 1970. */
  readonly tensorboard?: { readonly now: () => number } | undefined;
}

/** A run's metrics: a JSON line for each step, without times, so that equal runs have equal logs; and event files with times. */
export class RunLog {
  private constructor(
    readonly file: string,
    private readonly events: EventFile | undefined,
  ) {}

  /** Brings a folder's log to where the run starts: empty, or exactly as it was when the checkpoint was written. */
  static async open(folder: string, { from, sameRun, tensorboard }: RunLogOptions): Promise<RunLog> {
    const file = join(folder, METRICS_FILE);
    const text = from === undefined ? "" : await readFile(join(from, METRICS_FILE), "utf8");
    await writeAtomic(file, (handle) => handle.writeFile(text));
    if (!sameRun) await removeEventFiles(folder);
    if (tensorboard === undefined) return new RunLog(file, undefined);
    const done = text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { readonly step: number });
    const kept = (await eventFiles(folder)).length > 0;
    // What follows a warm start has no lines of the steps before.
    const events = await EventFile.create(folder, kept ? (done.at(-1)?.step ?? 0) : 0, tensorboard.now);
    if (!kept) for (const { step, ...metrics } of done) await events.append(step, metrics);
    return new RunLog(file, events);
  }

  async append(step: number, metrics: StepMetrics, seconds: { rollout: number; update: number }): Promise<void> {
    await appendFile(this.file, `${JSON.stringify({ step, ...metrics })}\n`);
    await this.events?.append(step, { ...metrics, seconds });
  }

  /** The lines of the steps that are done. */
  read(): Promise<string> {
    return readFile(this.file, "utf8");
  }

  /** Writes the log as it is into a checkpoint's folder. */
  async save(folder: string): Promise<void> {
    await copyFile(this.file, join(folder, METRICS_FILE));
  }
}
