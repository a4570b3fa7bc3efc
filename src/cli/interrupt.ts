const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Why work ended early. */
export class InterruptedError extends Error {
  override readonly name = "Interrupted";
}

/** Work whose signal fires at the first Ctrl+C, so that it ends between two steps; the second one ends the process. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      // As if nobody had listened: process.exit would break off the native code of other threads, which then aborts.
      release();
      process.kill(process.pid, name);
      return;
    }
    process.stderr.write(`\nmemory-r1: ${name}: ending after the steps under way; once more to end at once\n`);
    stop.abort(new InterruptedError(`ended by ${name}`));
  };
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, onSignal);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return await work(stop.signal);
  } finally {
    release();
  }
}
