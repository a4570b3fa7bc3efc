/** The parts of an error. Its message is built from them, so that none can be missing from the text. */
export interface Failure {
  /** The thing that is wrong, as a short clause: "tensor has the wrong shape". */
  readonly what: string;
  /** File, option, URL, operator or graph node where it was found. */
  readonly where?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** What the user can do next. */
  readonly remedy: string;
  readonly cause?: unknown;
}

/** What a caught value says: whatever can be thrown, not only errors. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** Base class of all errors that this package throws deliberately. Its fields are the parts of the message. */
export class MemoryR1Error extends Error {
  readonly what: string;
  readonly where: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly remedy: string;

  constructor(failure: Failure) {
    const parts = [
      failure.where === undefined ? failure.what : `${failure.where}: ${failure.what}`,
      failure.expected === undefined ? undefined : `expected ${failure.expected}`,
      failure.found === undefined ? undefined : `found ${failure.found}`,
      failure.remedy,
    ];
    super(parts.filter((part) => part !== undefined).join("; "), { cause: failure.cause });
    this.name = new.target.name;
    this.what = failure.what;
    this.where = failure.where;
    this.expected = failure.expected;
    this.found = failure.found;
    this.remedy = failure.remedy;
  }
}

/** A wrong argument, flag or option that the caller can fix. */
export class UsageError extends MemoryR1Error {}

/** A file that is missing, truncated, or not what its name promises (checkpoint, adapter, episode, data set). */
export class FileError extends MemoryR1Error {}

/** The memory store refused, is unreachable, or holds data in an unexpected format. */
export class StoreError extends MemoryR1Error {}

/** A memory was changed between being read and being written; nothing was written. */
export class ConflictError extends StoreError {}

/** The compiler or runtime was asked for something that it cannot compute. */
export class EngineError extends MemoryR1Error {}

/** A prompt and its response do not fit the model's context. */
export class ContextLengthError extends EngineError {}
