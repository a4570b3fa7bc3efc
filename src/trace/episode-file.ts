import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { dirname } from "node:path";
import { FileError, messageOf, UsageError } from "../errors.js";
import { episodeEventSchema } from "./episode.js";
import { readLines } from "./read.js";

/** Where a recorder's lines go. */
export interface EpisodeSink {
  /** Ids that are there already. */
  readonly ids: readonly string[];
  /** Takes one line with its line feed. */
  write(line: string): void;
  flush(): void;
  close(): void;
}

/**
 * Opens an episode file to append to it; a last line that was cut off in the middle is removed.
 * @throws FileError where the file holds something else, which is left as it is.
 */
export function openEpisodeFile(path: string): EpisodeSink {
  let ids: string[] = [];
  let wholeBytes: number | undefined;
  if (existsSync(path)) {
    const lines = readLines(path, true);
    checkTail(lines.tail, path);
    ids = lines.events.map(({ id }) => id);
    wholeBytes = lines.tail === "" ? undefined : lines.wholeBytes;
  }
  const file = attempt(path, "opened", () => {
    mkdirSync(dirname(path), { recursive: true });
    const opened = openSync(path, "a");
    if (wholeBytes !== undefined) {
      ftruncateSync(opened, wholeBytes);
    }
    return opened;
  });
  let open = true;
  return {
    ids,
    write(line) {
      if (!open) {
        throw new UsageError({
          what: "the recorder is closed",
          where: path,
          remedy: "close it after the last run that it records",
        });
      }
      attempt(path, "written", () => appendWhole(file, line));
    },
    flush() {
      if (open) {
        attempt(path, "written", () => fsyncSync(file));
      }
    },
    close() {
      if (open) {
        open = false;
        closeSync(file);
      }
    },
  };
}

/** How the lines of each kind of event begin. */
const OPENINGS = episodeEventSchema.options.map(({ shape }) => `{"type":"${shape.type.value}"`);

/** Only a tail of our own may be cut off: another file of one line must not be emptied. */
function checkTail(tail: string, path: string): void {
  if (OPENINGS.some((opening) => opening.startsWith(tail.slice(0, opening.length)))) return;
  throw new FileError({
    what: "the file holds something else than episodes",
    where: path,
    expected: "lines that an EpisodeRecorder wrote",
    found: `a last line without a line feed that begins ${JSON.stringify(tail.slice(0, 60))}`,
    remedy: "pass another path",
  });
}

/** Appends all of the line or nothing of it. */
function appendWhole(file: number, line: string): void {
  const { size } = fstatSync(file);
  try {
    appendFileSync(file, line);
  } catch (cause) {
    ftruncateSync(file, size);
    throw cause;
  }
}

function attempt<T>(path: string, verb: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new FileError({
      what: `the episode file cannot be ${verb}`,
      where: path,
      found: messageOf(cause),
      remedy: "check the folder's permissions and the free space",
      cause,
    });
  }
}
