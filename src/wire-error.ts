import * as errors from "./errors.js";

/** An error that survives the passage between threads with its class and its typed fields. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly failure: errors.Failure | undefined;
}

export function toWire(error: unknown): WireError {
  if (error instanceof errors.MemoryR1Error) {
    const { name, message, what, where, expected, found, remedy } = error;
    const known = Object.entries({ where, expected, found }).filter(([, value]) => value !== undefined);
    return { name, message, failure: { what, remedy, ...Object.fromEntries(known) } };
  }
  return { name: "Error", message: errors.messageOf(error), failure: undefined };
}

const classes: Readonly<Record<string, new (failure: errors.Failure) => errors.MemoryR1Error>> = {
  UsageError: errors.UsageError,
  FileError: errors.FileError,
  StoreError: errors.StoreError,
  ConflictError: errors.ConflictError,
  EngineError: errors.EngineError,
  ContextLengthError: errors.ContextLengthError,
};

export function fromWire({ name, message, failure }: WireError): Error {
  const TypedError = classes[name];
  return TypedError !== undefined && failure !== undefined ? new TypedError(failure) : new Error(message);
}
