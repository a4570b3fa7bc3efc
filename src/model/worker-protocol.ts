import * as errors from "../errors.js";
import type { LanguageModel } from "./language-model.js";

/** Methods of the model that the main thread may call; `updates` is answered with every reply. */
export type Method =
  | "generate"
  | "logprobs"
  | "values"
  | "update"
  | "createAdapter"
  | "createCritic"
  | "loadAdapter"
  | "copyAdapter"
  | "saveAdapter"
  | "saveTraining"
  | "loadTraining"
  | "close";

export type Arguments<M extends Method> = Parameters<LanguageModel[M]>;
export type Result<M extends Method> = Awaited<ReturnType<LanguageModel[M]>>;

export type ToWorker =
  | {
      readonly type: "call";
      readonly id: number;
      readonly method: Method;
      readonly args: readonly unknown[];
      readonly streams: boolean;
    }
  | { readonly type: "abort"; readonly id: number };

export type FromWorker =
  | { readonly type: "open"; readonly info: LanguageModel["info"] }
  | { readonly type: "refused"; readonly error: WireError }
  | {
      readonly type: "tokens";
      readonly id: number;
      readonly ids: readonly number[];
      readonly logprobs: readonly number[];
    }
  | { readonly type: "result"; readonly id: number; readonly value: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: WireError };

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
  return { name: "Error", message: error instanceof Error ? error.message : String(error), failure: undefined };
}

const classes: Readonly<Record<string, new (failure: errors.Failure) => errors.MemoryR1Error>> = {
  UsageError: errors.UsageError,
  FileError: errors.FileError,
  StoreError: errors.StoreError,
  EngineError: errors.EngineError,
  ContextLengthError: errors.ContextLengthError,
};

export function fromWire({ name, message, failure }: WireError): Error {
  const TypedError = classes[name];
  return TypedError !== undefined && failure !== undefined ? new TypedError(failure) : new Error(message);
}
