/** The policy-engine seam: what the chat model and the trainer need of whatever runs the network. */

export interface GenerateRequest {
  readonly promptIds: readonly number[];
  /** Responses to sample for this prompt; the prompt is computed once. Default 1. */
  readonly count?: number;
  readonly maxNewTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  /** Response `i` of this request uses the random stream (seed, i), whatever it is batched with. */
  readonly seed: number;
}

export interface Generation {
  /** Includes the stop token when one was sampled. */
  readonly ids: number[];
  /** Natural log-probability of each id under the policy at the sampling temperature 1. */
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
  readonly entropies: number[][];
}

export interface EngineInfo {
  readonly folder: string;
  readonly architecture: string;
  readonly device: string;
  readonly parameters: number;
  readonly contextLength: number;
  readonly vocabularySize: number;
}

export interface LoraOptions {
  readonly rank: number;
  readonly alpha: number;
  readonly seed: number;
}

/** One base model with any number of named LoRA adapters. All methods run one after another in the engine's worker. */
export interface PolicyEngine {
  readonly info: EngineInfo;
  generate(requests: readonly GenerateRequest[], options: GenerateOptions): Promise<Generation[][]>;
  logprobs(groups: readonly ScoreGroup[], adapter?: string): Promise<GroupScores[]>;
  /** A counter of the adapter's updates, as text: "manager@12"; "base" without one. */
  policyVersion(adapter?: string): string;
  createAdapter(name: string, options: LoraOptions): Promise<void>;
  loadAdapter(name: string, folder: string): Promise<void>;
  saveAdapter(name: string, folder: string): Promise<void>;
  close(): Promise<void>;
}
