import type { Device } from "../../onnx/device.js";
import type { PolicyForm } from "../graph/policy-form.js";
import type { Precision } from "../graph/precision.js";
import type { AdamWOptions } from "./adamw.js";

/** The policy-engine seam: what the chat model and the trainer need of whatever runs the network. */

export interface GenerateRequest {
  readonly promptIds: readonly number[];
  /** Responses to sample for this prompt; the prompt is computed once. Default 1. */
  readonly count?: number;
  readonly maxNewTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  /** Response `i` of this request uses the random stream (seed, i), regardless of batching. */
  readonly seed: number;
}

export interface Generation {
  /** Includes the stop token when one was sampled. */
  readonly ids: number[];
  /** Natural log-probability of each id at temperature 1, even when sampled at another. */
  readonly logprobs: number[];
  readonly finishReason: "stop" | "length";
}

export interface GenerateOptions {
  /** Name of a loaded adapter; absent means the base model. */
  readonly adapter?: string | undefined;
  readonly stopIds: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** Called with new tokens as they come; only with a single request of count 1. */
  readonly onTokens?: ((ids: readonly number[], logprobs: readonly number[]) => void) | undefined;
}

/** Responses of one prompt, for scoring. */
export interface ScoreGroup {
  readonly promptIds: readonly number[];
  readonly responses: readonly (readonly number[])[];
}

export interface GroupScores {
  /** Per response, per token. */
  readonly logprobs: number[][];
}

export interface EngineInfo {
  readonly folder: string;
  readonly architecture: string;
  readonly device: Device;
  /** Precision of weights and activations; logits, losses, adapters and the optimizer are float32. */
  readonly precision: Precision;
  readonly parameters: number;
  readonly contextLength: number;
  readonly vocabularySize: number;
}

export interface LoraOptions {
  readonly rank: number;
  readonly alpha: number;
  readonly seed: number;
}

/** Responses of one prompt to learn from. All arrays are per response, per token. */
export interface TrainingGroup extends ScoreGroup {
  /** Share of each token in the loss: the chosen aggregation over the whole batch. */
  readonly weights: readonly (readonly number[])[];
}

export interface PolicyGroup extends TrainingGroup {
  readonly advantages: readonly (readonly number[])[];
  /** Log-probabilities under the policy that sampled the responses. */
  readonly oldLogprobs: readonly (readonly number[])[];
  readonly referenceLogprobs: readonly (readonly number[])[];
}

/** Responses of one prompt for a critic to learn from. All arrays are per response, per token. */
export interface ValueGroup extends TrainingGroup {
  readonly returns: readonly (readonly number[])[];
  /** The critic's values when the responses were sampled. */
  readonly oldValues: readonly (readonly number[])[];
}

/** One optimizer step over all groups; gradients of micro-batches are added up. */
export type UpdateRequest = { readonly optimizer: Partial<AdamWOptions> } & (
  | { readonly objective: "likelihood"; readonly groups: readonly TrainingGroup[] }
  | {
      readonly objective: "policy";
      readonly groups: readonly PolicyGroup[];
      readonly clipLow: number;
      readonly clipHigh: number;
      readonly klCoefficient: number;
      /** GRPO's by default: a ratio for each token, and k3. */
      readonly form?: PolicyForm;
    }
  | {
      /** Only of a critic. */
      readonly objective: "value";
      readonly groups: readonly ValueGroup[];
      /** How far a value may move from the old one before its loss stops decreasing. */
      readonly valueClip: number;
    }
);

export interface UpdateResult {
  readonly loss: number;
  /** L2 norm of the whole gradient, before clipping. */
  readonly gradientNorm: number;
  /** Log-probabilities under the policy before the step, per group, response, token; none for a critic. */
  readonly logprobs: number[][][];
  /** Values of the critic before the step, per group, response, token; only for a critic. */
  readonly values?: number[][][];
}

/** One base model with any number of named LoRA adapters. All methods run one after another in the engine's worker. */
export interface PolicyEngine {
  readonly info: EngineInfo;
  generate(requests: readonly GenerateRequest[], options: GenerateOptions): Promise<Generation[][]>;
  /** Per group, response, token; without `adapter`, of the base model. */
  logprobs(groups: readonly ScoreGroup[], adapter?: string): Promise<GroupScores[]>;
  /** The critic's value of the state that precedes each response token, per group, response, token. */
  values(groups: readonly ScoreGroup[], critic: string): Promise<number[][][]>;
  /** A counter of the adapter's updates, as text: "manager@12"; "base" without one. */
  policyVersion(adapter?: string): string;
  createAdapter(name: string, options: LoraOptions): Promise<void>;
  /** Creates an adapter with a scalar head instead of the language model's. Its values are initially 0. */
  createCritic(name: string, options: LoraOptions): Promise<void>;
  loadAdapter(name: string, folder: string): Promise<void>;
  /** Copies an adapter under another name; later updates of one do not affect the other. */
  copyAdapter(from: string, to: string): Promise<void>;
  saveAdapter(name: string, folder: string): Promise<void>;
  update(adapter: string, request: UpdateRequest): Promise<UpdateResult>;
  /** Writes the adapter with its optimizer's moments into a new folder, whole or not at all. */
  saveTraining(adapter: string, folder: string): Promise<void>;
  loadTraining(adapter: string, folder: string): Promise<void>;
  close(): Promise<void>;
}
