import type { WireError } from "../../wire-error.js";
import type { LanguageModel } from "./language-model.js";

/** Methods of the model that the main thread may call. */
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

/** Shorter lists are no slower as they are. */
const LEAST_PACKED = 16;

/** A message with its longer lists of numbers as one block of bytes each: structured cloning writes and reads other lists number by number. */
export function pack(message: unknown): unknown {
  if (Array.isArray(message)) {
    const numbers = message.length >= LEAST_PACKED && message.every((value) => typeof value === "number");
    return numbers ? new Float64Array(message) : message.map(pack);
  }
  return isRecord(message) ? mapValues(message, pack) : message;
}

/** The way back from `pack`. */
export function unpack(message: unknown): unknown {
  if (message instanceof Float64Array) return Array.from(message);
  if (Array.isArray(message)) return message.map(unpack);
  return isRecord(message) ? mapValues(message, unpack) : message;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

const mapValues = (record: Readonly<Record<string, unknown>>, map: (value: unknown) => unknown) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

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
