import { readFileSync } from "node:fs";
import { FileError, messageOf } from "../errors.js";
import { parseAs, parseLine } from "../json-file.js";
import { type EpisodeEvent, episodeEventSchema } from "./episode.js";

export interface ReadOptions {
  /** Ignore a last line that is cut off, as after a crash. */
  readonly tolerateCutTail?: boolean;
}

/** The lines of an episode file, how many bytes of it are whole lines, and what stands after them without a line feed. */
export interface EpisodeLines {
  readonly events: EpisodeEvent[];
  readonly wholeBytes: number;
  readonly tail: string;
}

const EVENT_TYPES = episodeEventSchema.options.map(({ shape }) => shape.type.value);

/** Reads an episode file. @throws FileError naming the file and the line that is cut off, not JSON, or not an event. */
export function readEpisodes(path: string, { tolerateCutTail = false }: ReadOptions = {}): EpisodeEvent[] {
  return readLines(path, tolerateCutTail).events;
}

/** As `readEpisodes`, and says where the last whole line ends. */
export function readLines(path: string, tolerateCutTail: boolean): EpisodeLines {
  const text = readText(path);
  const events: EpisodeEvent[] = [];
  const seen = new Set<string>();
  let from = 0;
  for (let line = 1; from < text.length; line++) {
    const newline = text.indexOf("\n", from);
    const source = text.slice(from, newline === -1 ? undefined : newline);
    if (newline === -1 && tolerateCutTail) {
      return { events, wholeBytes: Buffer.byteLength(text.slice(0, from)), tail: source };
    }
    const event = parseEvent(source, `${path}:${line}`, newline === -1);
    if (!seen.has(event.id)) {
      seen.add(event.id);
      events.push(event);
    }
    from = newline + 1;
  }
  return { events, wholeBytes: Buffer.byteLength(text), tail: "" };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new FileError({
      what: "the episode file cannot be read",
      where: path,
      found: messageOf(cause),
      remedy: "check the path, or record episodes first",
      cause,
    });
  }
}

function parseEvent(source: string, where: string, last: boolean): EpisodeEvent {
  if (last) {
    throw new FileError({
      what: "the episode file is cut in the middle of a line",
      where,
      expected: "a line feed at the end of each event",
      found: `${source.length} characters without one`,
      remedy: "remove the line, record on into the file, which cuts it off, or pass { tolerateCutTail: true }",
    });
  }
  const value = parseLine(source, {
    what: "the line is not JSON",
    where,
    expected: "one event as a JSON object",
    remedy: "remove the line, or re-record",
  });
  return parseAs(episodeEventSchema, value, "the line", {
    what: "the line is not an episode event",
    where,
    expected: `one of type ${EVENT_TYPES.join(", ")}, with all its fields`,
    remedy: "remove the line, or re-record with this version of the package",
  });
}
