import type {
  EngineInfo,
  GenerateOptions,
  GenerateRequest,
  Generation,
  GroupScores,
  PolicyEngine,
  ScoreGroup,
  UpdateRequest,
  UpdateResult,
} from "../../src/model/engine/engine.js";
import { byteTokenizer, endId } from "../model/fake-engine.js";

export interface ScriptedCall {
  /** The rendered prompt. */
  readonly prompt: string;
  /** Absent: the base model. */
  readonly adapter: string | undefined;
  /** Place of the request among those that came with it. */
  readonly request: number;
  /** Number of the response to this prompt. */
  readonly response: number;
}

/** A policy engine over bytes that answers by a function, and keeps what it was asked and told to learn. */
export class ScriptedEngine implements PolicyEngine {
  readonly info: EngineInfo = {
    folder: "models/scripted",
    architecture: "llama",
    device: "cpu",
    precision: "float32",
    parameters: 0,
    contextLength: 4096,
    vocabularySize: 257,
  };
  readonly asked: ScriptedCall[] = [];
  readonly requests: GenerateRequest[] = [];
  readonly updates: UpdateRequest[] = [];
  readonly #respond: (call: ScriptedCall) => string;

  constructor(respond: (call: ScriptedCall) => string) {
    this.#respond = respond;
  }

  async generate(requests: readonly GenerateRequest[], { adapter }: GenerateOptions): Promise<Generation[][]> {
    this.requests.push(...requests);
    return requests.map(({ promptIds, count = 1, maxNewTokens }, request) =>
      Array.from({ length: count }, (_, response) => {
        const call = { prompt: byteTokenizer.decode(promptIds), adapter, request, response };
        this.asked.push(call);
        const whole = [...byteTokenizer.encode(this.#respond(call)), endId];
        const ids = whole.slice(0, maxNewTokens);
        const finishReason = ids.length < whole.length ? "length" : "stop";
        return { ids, logprobs: ids.map((_, i) => -(i + 1) / 8), finishReason };
      }),
    );
  }

  async logprobs(groups: readonly ScoreGroup[]): Promise<GroupScores[]> {
    return groups.map(({ responses }) => {
      const logprobs = responses.map((ids) => ids.map((_, i) => -(i + 1) / 8));
      return { logprobs };
    });
  }

  async update(_adapter: string, request: UpdateRequest): Promise<UpdateResult> {
    this.updates.push(request);
    const scores = await this.logprobs(request.groups);
    return { loss: 0, gradientNorm: 1, logprobs: scores.map(({ logprobs }) => logprobs) };
  }

  async values(groups: readonly ScoreGroup[]): Promise<number[][][]> {
    return groups.map(({ responses }) => responses.map((ids) => ids.map(() => 0)));
  }

  policyVersion(adapter?: string): string {
    return adapter === undefined ? "base" : `${adapter}@${this.updates.length}`;
  }

  async createAdapter(): Promise<void> {}
  async createCritic(): Promise<void> {}
  async loadAdapter(): Promise<void> {}
  async copyAdapter(): Promise<void> {}
  async saveAdapter(): Promise<void> {}
  async saveTraining(): Promise<void> {}
  async loadTraining(): Promise<void> {}
  async close(): Promise<void> {}
}
