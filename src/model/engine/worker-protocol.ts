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
