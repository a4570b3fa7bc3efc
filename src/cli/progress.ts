import type { PlayProgress } from "../evaluate/progress.js";

export interface ProgressOptions {
  readonly stream?: NodeJS.WriteStream;
  /** Milliseconds. */
  readonly now?: () => number;
}

export interface Progress {
  readonly update: (progress: PlayProgress) => void;
  /** Ends the line that is rewritten. */
  readonly end: () => void;
}

const TERMINAL_MILLISECONDS = 100;
const LOG_MILLISECONDS = 5000;

/**
 * Tells how far work has come and the time left: in one line of a terminal, or in a line every few seconds elsewhere. What the first update says
 * was done before.
 */
export function startProgress(
  label: string,
  { stream = process.stderr, now = Date.now }: ProgressOptions = {},
): Progress {
  const started = now();
  let shown = started;
  let first: number | undefined;
  let open = false;
  return {
    update(progress) {
      first ??= progress.done;
      const at = now();
      const last = progress.done === progress.total;
      if (!last && at - shown < (stream.isTTY ? TERMINAL_MILLISECONDS : LOG_MILLISECONDS)) return;
      shown = at;
      const line = describeProgress(label, progress, first, (at - started) / 1000);
      stream.write(stream.isTTY ? `\r${line}\u001b[K` : `${line}\n`);
      open = stream.isTTY;
    },
    end() {
      if (open) stream.write("\n");
      open = false;
    },
  };
}

/** "record: 12/80, 30 s, 170 s left" */
function describeProgress(label: string, { done, total }: PlayProgress, first: number, seconds: number): string {
  const left = done === first ? "" : `, ${Math.ceil((seconds / (done - first)) * (total - done))} s left`;
  return `${label}: ${done}/${total}, ${Math.round(seconds)} s${left}`;
}
